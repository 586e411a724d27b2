# Footfall on AWS: instances on Fargate behind a load balancer, a database in RDS, Redis in ElastiCache, in a network that is
# there already. No secret is in the state: they are ephemeral here, and kept by Secrets Manager.

terraform {
  # Write-only arguments came with 1.11.
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.7"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { Service = var.name }
  }
}
