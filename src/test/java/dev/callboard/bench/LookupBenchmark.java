package dev.callboard.bench;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Measures how long each filter of {@code GET /tasks} takes with many tasks stored: one table from one run. Asserts
 * nothing. {@code mvn -Pbench verify -Dbench.main=dev.callboard.bench.LookupBenchmark} runs it; {@code -Dbench.stored=} sets
 * the number of tasks.
 */
final class LookupBenchmark {
    private static final int STORED = Integer.getInteger("bench.stored", 1_000_000);
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final int REQUESTS = 11;

    /** A thousandth of the tasks is of creatify, and a thousandth has failed; no task is unknown. */
    private static final List<String> QUERIES = List.of(
            "",
            "?outcome=completed",
            "?outcome=failed",
            "?outcome=unknown",
            "?provider=fotor",
            "?provider=creatify",
            "?provider=nobody",
            "?outcome=completed&provider=creatify",
            "?type=videoEnhancer",
            "?type=nothing",
            "?businessId=order-77",
            "?taskIdPrefix=77",
            "?taskIdPrefix=nothing",
            "?changedSince=2026-01-01T00:10:00Z&changedUntil=2026-01-01T00:20:00Z",
            "?include=results");

    private LookupBenchmark() {}

    public static void main(String[] args) throws Exception {
        for (Backend backend : Backend.values()) {
            try (TestCallboard callboard = TestCallboard.start(backend, Map.of())) {
                try (Connection connection = callboard.connect()) {
                    StoredTasks.store(connection, STORED, START);
                }
                System.out.printf(
                        "%n%s, %,d tasks, milliseconds: first, median and slowest of %d%n", backend, STORED, REQUESTS);
                for (String query : QUERIES) {
                    measure(callboard, query);
                }
            }
        }
        // The database server of the tests stops with the JVM.
        System.exit(0);
    }

    private static void measure(TestCallboard callboard, String query) throws Exception {
        long[] times = new long[REQUESTS];
        HttpRequest request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + callboard.managementPort + "/tasks" + query))
                .build();
        int status = 200;
        for (int i = 0; i < REQUESTS; i++) {
            long begin = System.nanoTime();
            HttpResponse<String> answer = TestCallboard.send(request);
            times[i] = (System.nanoTime() - begin) / 1_000;
            status = answer.statusCode();
        }
        double first = times[0] / 1e3;
        Arrays.sort(times);
        System.out.printf(
                "%-75s %8.1f %8.1f %8.1f  %d%n",
                query, first, times[REQUESTS / 2] / 1e3, times[REQUESTS - 1] / 1e3, status);
    }
}
