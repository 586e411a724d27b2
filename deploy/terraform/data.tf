# The database and Redis, and what the instances must know to use them.

# Made once, and read back where it is needed: an ephemeral value is another one each time.
ephemeral "random_password" "database" {
  length = 40
  # It stands in a URL.
  special = false
}

resource "aws_secretsmanager_secret" "password" {
  name_prefix = "${var.name}-database-password-"
}

resource "aws_secretsmanager_secret_version" "password" {
  secret_id                = aws_secretsmanager_secret.password.id
  secret_string_wo         = ephemeral.random_password.database.result
  secret_string_wo_version = var.secrets_version
}

ephemeral "aws_secretsmanager_secret_version" "password" {
  secret_id = aws_secretsmanager_secret_version.password.secret_id
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.private_subnet_ids
}

resource "aws_db_instance" "this" {
  identifier             = var.name
  engine                 = "postgres"
  engine_version         = "17"
  instance_class         = var.database.class
  allocated_storage      = var.database.storage
  max_allocated_storage  = var.database.max_storage
  storage_type           = "gp3"
  storage_encrypted      = true
  db_name                = "footfall"
  username               = "footfall"
  password_wo            = ephemeral.aws_secretsmanager_secret_version.password.secret_string
  password_wo_version    = var.secrets_version
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.data.id]
  # The standby is a synchronous one: nothing that was acknowledged is lost in a failover.
  multi_az                     = true
  backup_retention_period      = 14
  auto_minor_version_upgrade   = true
  performance_insights_enabled = true
  deletion_protection          = var.deletion_protection
  skip_final_snapshot          = !var.deletion_protection
  final_snapshot_identifier    = "${var.name}-last"
}

resource "aws_elasticache_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.private_subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  name   = var.name
  family = "redis7"

  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lru"
  }
}

resource "aws_elasticache_replication_group" "this" {
  replication_group_id       = var.name
  description                = "What instances of Footfall share: live events, snapshots, answers"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = var.redis_node_type
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  multi_az_enabled           = true
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  parameter_group_name       = aws_elasticache_parameter_group.this.name
  subnet_group_name          = aws_elasticache_subnet_group.this.name
  security_group_ids         = [aws_security_group.data.id]
}

resource "aws_secretsmanager_secret" "database_url" {
  name_prefix = "${var.name}-database-url-"
}

resource "aws_secretsmanager_secret_version" "database_url" {
  secret_id = aws_secretsmanager_secret.database_url.id
  # Encrypted, to whomever: RDS's authority is none of the system's. It is reached within the network only.
  secret_string_wo = format(
    "postgres://footfall:%s@%s/footfall?sslmode=require",
    ephemeral.aws_secretsmanager_secret_version.password.secret_string,
    aws_db_instance.this.endpoint,
  )
  secret_string_wo_version = var.secrets_version
}

resource "aws_secretsmanager_secret" "auth_keys" {
  name_prefix = "${var.name}-auth-keys-"
}

resource "aws_secretsmanager_secret_version" "auth_keys" {
  secret_id                = aws_secretsmanager_secret.auth_keys.id
  secret_string_wo         = var.auth_keys
  secret_string_wo_version = var.secrets_version
}
