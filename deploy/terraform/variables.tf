variable "region" {
  description = "The AWS region, such as eu-central-1."
  type        = string
}

variable "name" {
  description = "What everything here is named after."
  type        = string
  default     = "footfall"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "3 to 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "image" {
  description = "The image of Footfall with its tag or digest, in a registry that Fargate can reach."
  type        = string

  validation {
    condition     = can(regex("(:[^/]+|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a tag other than latest, or a digest: what runs should be known."
  }
}

variable "vpc_id" {
  description = "The network to be in."
  type        = string
}

variable "public_subnet_ids" {
  description = "Subnets of the load balancer, in at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.public_subnet_ids) >= 2
    error_message = "A load balancer needs two zones."
  }
}

variable "private_subnet_ids" {
  description = "Subnets of the instances, the database and Redis, in at least two zones, with a way out to the image's registry, Secrets Manager and CloudWatch."
  type        = list(string)

  validation {
    condition     = length(var.private_subnet_ids) >= 2
    error_message = "The database needs two zones."
  }
}

variable "certificate_arn" {
  description = "The certificate that the load balancer shows."
  type        = string
}

variable "allowed_networks" {
  description = "Who may reach the load balancer."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for network in var.allowed_networks : can(cidrhost(network, 0))])
    error_message = "Networks are written such as 203.0.113.0/24."
  }
}

variable "auth_keys" {
  description = "FOOTFALL__AUTH__KEYS: name:scopes:secret entries, comma-separated."
  type        = string
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = alltrue([for key in split(",", var.auth_keys) : can(regex("^[^:]+:[a-z+]+:.{16,}$", key))])
    error_message = "Each key is name:scopes:secret, and its secret has 16 characters or more."
  }
}

variable "secrets_version" {
  description = "Raise it to store auth_keys anew, and another password of the database."
  type        = number
  default     = 1
}

variable "retention" {
  description = "FOOTFALL__STORAGE__RETENTION: how long events are kept, such as 90d, or off."
  type        = string
  default     = "off"
}

variable "instances" {
  description = "How many instances there are at least and at most."
  type        = object({ min = number, max = number })
  default     = { min = 2, max = 6 }

  validation {
    condition     = var.instances.min >= 1 && var.instances.max >= var.instances.min
    error_message = "At least one, and at most no fewer than that."
  }
}

variable "instance_size" {
  description = "Processor units (1024 are one) and MiB of an instance. It holds the read models in memory."
  type        = object({ cpu = number, memory = number })
  default     = { cpu = 1024, memory = 4096 }
}

variable "database" {
  description = "Class, and GiB to begin with and at most, of the database."
  type        = object({ class = string, storage = number, max_storage = number })
  default     = { class = "db.t4g.medium", storage = 50, max_storage = 500 }
}

variable "redis_node_type" {
  description = "The type of the two Redis nodes. What they hold may be lost at any time."
  type        = string
  default     = "cache.t4g.micro"
}

variable "deletion_protection" {
  description = "Whether the database refuses to be deleted, and leaves a last snapshot."
  type        = bool
  default     = true
}
