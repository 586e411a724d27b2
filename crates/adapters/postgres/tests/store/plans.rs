//! What runs for each request finds its rows by an index, however large the tables are.

use footfall_test_services::Postgres;

use crate::support::open;

/// A statement, its parameters' types, and values.
const HOT: [(&str, &str, &str, &str); 8] = [
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
         ANALYZE",
    );
    for (name, text, types, values) in HOT {
        // As the store's own connections have it.
        let explain = format!(
            "SET plan_cache_mode = force_generic_plan;\nPREPARE hot ({types}) AS {text};\nEXPLAIN EXECUTE hot ({values})"
        );
        let plan = server.sql(&url, &explain);
        for table in ["event_ids", "blocks", "checkpoints"] {
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
