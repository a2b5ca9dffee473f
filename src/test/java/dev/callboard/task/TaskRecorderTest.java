package dev.callboard.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.OnEachDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is recorded and counted when callbacks arrive over HTTP. */
@Timeout(60)
final class TaskRecorderTest extends OnEachDatabase {
    @Test
    void failsOnlyThePoisonedCallbacksOfAGroup() throws Exception {
        execute("ALTER TABLE callback ADD CONSTRAINT no_poison CHECK (status <> '666')");
        Map<String, Integer> answers = postConcurrently(40, "neighbour", i -> i % 10 == 3 ? 666 : 1);
        execute("ALTER TABLE callback DROP CONSTRAINT no_poison");

        for (int i = 0; i < 40; i++) {
            String taskId = "neighbour-" + i;
            int expected = i % 10 == 3 ? 500 : 200;
            assertThat(answers).containsEntry(taskId, expected);
            assertThat(callboard.rows("SELECT task_id FROM callback WHERE task_id = ?", taskId))
                    .hasSize(expected == 200 ? 1 : 0);
            // One that was not recorded may be expected by now, since its callback is quarantined.
            assertThat(callboard.rows("SELECT task_id FROM task WHERE task_id = ? AND outcome <> 'expected'", taskId))
                    .hasSize(expected == 200 ? 1 : 0);
        }
        assertThat(metrics()).contains("callboard_callbacks_total{provider=\"fotor\",result=\"error\"} 4.0");
    }

    @Test
    void countsCallbacksByTheirResult() {
        String failed = fotor("counted", 2);
        callboard.post("fotor", failed);
        callboard.post("fotor", failed);
        callboard.post("fotor", fotor("counted", 0));
        callboard.post("fotor", "{}");

        await().untilAsserted(() -> assertThat(metrics()).containsPattern("callboard_alerts_sent_total [1-9]"));
        assertThat(metrics())
                .contains("callboard_callbacks_total{provider=\"fotor\",result=\"applied\"}")
                .contains("callboard_callbacks_total{provider=\"fotor\",result=\"duplicate\"} 1.0")
                .contains("callboard_callbacks_total{provider=\"fotor\",result=\"stale\"} 1.0")
                .contains("callboard_callbacks_total{provider=\"fotor\",result=\"invalid\"} 1.0")
                .contains("callboard_commit_seconds_count")
                .contains("callboard_commit_group_size_count")
                .contains("callboard_commit_queue_size 0.0")
                .contains("callboard_mail_failures_total 0.0");
    }

    @Test
    void reportsTheAgeOfTheOldestPendingAlert() throws SQLException {
        execute("INSERT INTO mail (mail_id, provider, kind, sequence, thread_id, state, created_at, quiet_after,"
                + " interval_seconds, next_digest_at, next_attempt_at)"
                + " SELECT 'waiting', 'waiting', 'failed', 1, 'waiting', 'pending', now_at, now_at, 1, now_at,"
                + " now_at + INTERVAL '1' HOUR FROM (SELECT CURRENT_TIMESTAMP AS now_at) AS times");
        execute("INSERT INTO alert (alert_id, kind, provider, created_at, mail_id)"
                + " VALUES (CAST('11111111-2222-3333-4444-555555555555' AS UUID), 'failed', 'waiting',"
                + " CURRENT_TIMESTAMP - INTERVAL '1' HOUR, 'waiting')");
        await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(metrics())
                .containsPattern("callboard_alerts_pending [1-9]")
                .containsPattern("callboard_alerts_oldest_pending_seconds 36\\d\\d"));
    }

    private static String metrics() {
        return callboard.manage("/observe/metrics").body();
    }

    /** Posts callbacks of different tasks concurrently; returns the status code of each by its task id. */
    private static Map<String, Integer> postConcurrently(int count, String prefix, IntUnaryOperator status)
            throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(count);
        try {
            Map<String, Integer> answers = new TreeMap<>();
            List<Future<Integer>> calls = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                String body = fotor(prefix + "-" + i, status.applyAsInt(i));
                calls.add(callers.submit(() -> callboard.post("fotor", body).statusCode()));
            }
            for (int i = 0; i < count; i++) {
                answers.put(prefix + "-" + i, calls.get(i).get());
            }
            return answers;
        } finally {
            callers.shutdownNow();
        }
    }

    private static String fotor(String taskId, int status) {
        return "{\"taskId\":\"" + taskId + "\",\"status\":" + status
                + ",\"type\":\"videoEnhancer\",\"resultUrl\":\"\"}";
    }

    private static void execute(String sql) throws SQLException {
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
