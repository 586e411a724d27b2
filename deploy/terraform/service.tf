# The instances. Each first brings the schema up, which those that start at once do in turns.

locals {
  settings = {
    FOOTFALL__SERVER__BIND               = "0.0.0.0:8080"
    FOOTFALL__SERVER__TRUSTED_PROXIES    = join(",", [for subnet in data.aws_subnet.public : subnet.cidr_block])
    FOOTFALL__STORAGE__BACKEND           = "postgres"
    FOOTFALL__STORAGE__RETENTION         = var.retention
    FOOTFALL__POSTGRES__MIGRATE_ON_START = "false"
    FOOTFALL__REDIS__URL                 = "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:6379/0"
    FOOTFALL__LOG__FORMAT                = "json"
  }
  secrets = {
    FOOTFALL__AUTH__KEYS    = aws_secretsmanager_secret.auth_keys.arn
    FOOTFALL__POSTGRES__URL = aws_secretsmanager_secret.database_url.arn
  }

  container = {
    image                  = var.image
    user                   = "10001:10001"
    readonlyRootFilesystem = true
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
    environment            = [for name, value in local.settings : { name = name, value = value }]
    secrets                = [for name, arn in local.secrets : { name = name, valueFrom = arn }]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.this.name
        awslogs-region        = var.region
        awslogs-stream-prefix = var.name
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/ecs/${var.name}"
  retention_in_days = 30
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "secrets" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = values(local.secrets)
  }
}

# What starts an instance may: pull the image, write the log, read these secrets. The instance itself may nothing.
resource "aws_iam_role" "execution" {
  name_prefix        = "${var.name}-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "secrets" {
  role   = aws_iam_role.execution.name
  policy = data.aws_iam_policy_document.secrets.json
}

resource "aws_ecs_cluster" "this" {
  name = var.name
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.instance_size.cpu
  memory                   = var.instance_size.memory
  execution_role_arn       = aws_iam_role.execution.arn

  container_definitions = jsonencode([
    merge(local.container, {
      name      = "migrate"
      command   = ["migrate"]
      essential = false
    }),
    merge(local.container, {
      name         = "footfall"
      command      = ["serve"]
      essential    = true
      portMappings = [{ containerPort = 8080 }]
      dependsOn    = [{ containerName = "migrate", condition = "SUCCESS" }]
      # More than FOOTFALL__SERVER__GRACE_PERIOD, and what a database that hangs may take of the store's own end.
      stopTimeout = 45
    }),
  ])
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = aws_ecs_cluster.this.id
  task_definition = aws_ecs_task_definition.this.arn
  launch_type     = "FARGATE"
  desired_count   = var.instances.min
  # An instance fills its read models before it answers.
  health_check_grace_period_seconds  = 300
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  # Secrets are read when a task starts.
  force_new_deployment = true
  triggers             = { secrets = var.secrets_version }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets         = var.private_subnet_ids
    security_groups = [aws_security_group.instances.id]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = "footfall"
    container_port   = 8080
  }

  # Their values aren't in the state, so nothing else tells that they come first.
  depends_on = [
    aws_lb_listener.https,
    aws_secretsmanager_secret_version.auth_keys,
    aws_secretsmanager_secret_version.database_url,
  ]

  lifecycle {
    # The scaling below says how many there are.
    ignore_changes = [desired_count]
  }
}

resource "aws_appautoscaling_target" "this" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.instances.min
  max_capacity       = var.instances.max
}

resource "aws_appautoscaling_policy" "processor" {
  name               = "${var.name}-processor"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this.service_namespace
  scalable_dimension = aws_appautoscaling_target.this.scalable_dimension
  resource_id        = aws_appautoscaling_target.this.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 70
    scale_in_cooldown  = 600
    scale_out_cooldown = 60

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}
