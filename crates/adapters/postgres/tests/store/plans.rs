//! What runs for each request finds its rows by an index, however large the tables are.

use footfall_test_services::Postgres;

use crate::support::open;

/// A statement, its parameters' types, and values.
const HOT: [(&str, &str, &str, &str); 19] = [
    (
        "known",
        include_str!("../../src/statements/known.sql"),
        "uuid[]",
        "ARRAY[md5('7')::uuid, md5('8')::uuid]",
    ),
    ("block_of_id", include_str!("../../src/statements/block_of_id.sql"), "uuid", "md5('7')::uuid"),
    (
        "blocks_of",
        include_str!("../../src/statements/blocks_of.sql"),
        "integer[], bigint[]",
        "ARRAY[1, 2], ARRAY[(1::bigint << 32) + 777, (2::bigint << 32) + 7]",
    ),
    (
        "blocks_from",
        include_str!("../../src/statements/blocks_from.sql"),
        "integer, bigint, bigint",
        "1, (1::bigint << 32) + 777, (1::bigint << 32) + 5000",
    ),
    (
        "checkpoints_from",
        include_str!("../../src/statements/checkpoints_from.sql"),
        "integer, bigint, bigint",
        "1, (1::bigint << 32), (1::bigint << 32) + 5000000",
    ),
    (
        "count_ids",
        include_str!("../../src/statements/count_ids.sql"),
        "uuid[], bigint[]",
        "ARRAY[md5('7')::uuid], ARRAY[7]",
    ),
    (
        "remove_blocks",
        include_str!("../../src/statements/remove_blocks.sql"),
        "integer, bigint, bigint",
        "1, (1::bigint << 32), (1::bigint << 32) + 5000",
    ),
    (
        "join",
        include_str!("../../src/statements/join.sql"),
        "text[], text[], bigint[], smallint",
        "ARRAY['user-7', 'new'], ARRAY['s7', 's1'], ARRAY[5, 6], 3",
    ),
    ("segment_count", include_str!("../../src/statements/segment_count.sql"), "text, bigint", "'s7', 1000"),
    (
        "count_out",
        include_str!("../../src/statements/count_out.sql"),
        "bigint, bigint, bigint",
        "1000, 1060, -1",
    ),
    (
        "forget_memberships",
        include_str!("../../src/statements/forget_memberships.sql"),
        "text, smallint",
        "'user-7', 3",
    ),
    ("forget_ended", include_str!("../../src/statements/forget_ended.sql"), "bigint, bigint", "100, 1000"),
    (
        "user_metrics",
        include_str!("../../src/statements/user_metrics.sql"),
        "integer, integer, text, bigint",
        "100, 200, 'user-7', 1000",
    ),
    (
        "metrics_of_user",
        include_str!("../../src/statements/metrics_of_user.sql"),
        "text, integer, integer, bigint",
        "'user-7', 100, 200, 1000",
    ),
    (
        "known_metrics",
        include_str!("../../src/statements/known_metrics.sql"),
        "integer, text[]",
        "100, ARRAY['user-7', 'user-100']",
    ),
    (
        "mark_step",
        include_str!("../../src/statements/mark_step.sql"),
        "bigint, bigint, bigint",
        "1000, 2000, 500",
    ),
    (
        "mark_step_back",
        include_str!("../../src/statements/mark_step_back.sql"),
        "bigint, bigint, bigint",
        "1000, 2000, 500",
    ),
    ("forget_metrics", include_str!("../../src/statements/forget_metrics.sql"), "text", "'user-7'"),
    ("drop_ids", include_str!("../../src/statements/drop_ids.sql"), "bigint, bigint", "100000, 1000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn hot_statements_use_indexes() {
    let server = Postgres::shared();
    let url = server.database();
    drop(open(&url).await);
    server.sql(
        &url,
        "INSERT INTO event_ids SELECT md5(n::text)::uuid, n, n * 1000 FROM generate_series(1, 300000) AS n;
         INSERT INTO blocks SELECT lane, (lane::bigint << 32) + n * 100, 0, 0, 'x'
             FROM generate_series(1, 5) AS lane, generate_series(0, 9999) AS n;
         INSERT INTO checkpoints SELECT lane, (lane::bigint << 32) + n * 30000, (lane::bigint << 32) + (n + 1) * 30000, 0, 'x'
             FROM generate_series(1, 50) AS lane, generate_series(0, 300) AS n;
         INSERT INTO memberships SELECT 'user-' || n, 's' || n % 100, n FROM generate_series(1, 100000) AS n;
         INSERT INTO segment_counts SELECT 's' || n, 0, 1000 FROM generate_series(0, 99) AS n;
         INSERT INTO user_metrics SELECT 'user-' || n, n % 300, 1, 0 FROM generate_series(1, 100000) AS n;
         INSERT INTO metric_windows SELECT n, 300, 300 FROM generate_series(0, 299) AS n;
         ANALYZE",
    );
    for (name, text, types, values) in HOT {
        // As the store's own connections have it.
        let explain = format!(
            "SET plan_cache_mode = force_generic_plan;\nPREPARE hot ({types}) AS {text};\nEXPLAIN EXECUTE hot ({values})"
        );
        let plan = server.sql(&url, &explain);
        for table in ["event_ids", "blocks", "checkpoints", "memberships", "user_metrics"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{name}:\n{plan}");
        }
        assert!(["Index", "Bitmap", "Tid"].iter().any(|scan| plan.contains(scan)), "{name}:\n{plan}");
    }
}

/// The few indexes that there are: each is paid for with every event.
#[tokio::test(flavor = "multi_thread")]
async fn there_are_few_indexes() {
    let server = Postgres::shared();
    let url = server.database();
    drop(open(&url).await);
    let indexes = server
        .sql(&url, "SELECT indexname FROM pg_indexes WHERE tablename IN ('event_ids', 'blocks') ORDER BY 1");
    assert_eq!(indexes, "blocks_pkey\nevent_ids_at\nevent_ids_pkey");
}
