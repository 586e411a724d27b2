output "address" {
  description = "The load balancer. Point the name that the certificate is for at it."
  value       = aws_lb.this.dns_name
}

output "database_endpoint" {
  description = "The database, for who may reach it."
  value       = aws_db_instance.this.endpoint
}

output "database_password_secret" {
  description = "Where the database's password is kept."
  value       = aws_secretsmanager_secret.password.arn
}

output "log_group" {
  description = "The instances' logs."
  value       = aws_cloudwatch_log_group.this.name
}
