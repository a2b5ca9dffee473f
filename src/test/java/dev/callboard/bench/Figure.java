package dev.callboard.bench;

/** What the benchmark measures of a case, with its unit and its decimals in the table. */
enum Figure {
    REQUESTS("requests/s", 0),
    JVM("JVM us", 0),
    POSTGRESQL("PostgreSQL us", 0),
    P50("p50 ms", 1),
    P99("p99 ms", 1),
    RSS("RSS MB", 0),
    FIRST_200("first 200 ms", 0),
    GROUP("group", 1);

    final String title;
    final int decimals;

    Figure(String title, int decimals) {
        this.title = title;
        this.decimals = decimals;
    }
}
