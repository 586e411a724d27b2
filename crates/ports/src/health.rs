use async_trait::async_trait;

/// How one thing that the service depends on is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DependencyState {
    /// What it is, such as `storage`.
    pub name: &'static str,
    /// Whether the service can't do its work without it.
    pub required: bool,
    /// `Ok`, or what is wrong, in words that are safe to show to anyone.
    pub state: Result<(), String>,
}

/// Says whether what the service depends on is there. Answers within a second.
#[async_trait]
pub trait Health: Send + Sync {
    /// The state of each dependency now.
    async fn check(&self) -> Vec<DependencyState>;
}
