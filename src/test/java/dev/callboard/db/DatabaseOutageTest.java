package dev.callboard.db;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import dev.callboard.testkit.OnEachDatabase;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** A database that is unreachable for a while, on each database. */
final class DatabaseOutageTest extends OnEachDatabase {
    @Test
    void answers503WhileTheDatabaseIsUnreachableAndRecordsAgainAfterwards() throws Exception {
        String body = "{\"taskId\": \"away\", \"status\": 2}";
        assertThat(callboard
                        .post("fotor", "{\"taskId\": \"before\", \"status\": 1}")
                        .statusCode())
                .isEqualTo(200);
        awaitHealth(200, "UP");
        Map<String, Object> kept = callboard.kept();

        try (AutoCloseable outage = backend.outage(callboard.callboard().dataSource())) {
            assertThat(outage).isNotNull();
            HttpResponse<String> answer = callboard.post("fotor", body);
            assertThat(answer.statusCode()).isEqualTo(503);
            assertThat(answer.body()).isEmpty();
            assertThat(Integer.parseInt(
                            answer.headers().firstValue("Retry-After").orElseThrow()))
                    .isPositive();
            awaitHealth(503, "DOWN");
            assertThat(callboard.manage("/tasks").statusCode()).isEqualTo(503);
        }

        awaitHealth(200, "UP");
        assertThat(callboard.kept()).isEqualTo(kept);
        assertThat(callboard.post("fotor", body).statusCode()).isEqualTo(200);
        assertThat(callboard.rows("SELECT * FROM callback WHERE task_id = 'away'"))
                .hasSize(1);
        callboard.mailOf("away");
    }

    @Test
    void recordsAfterTheConnectionThatCreatedTheTablesIsReplaced() throws Exception {
        HikariPoolMXBean pool = callboard
                .callboard()
                .database()
                .recording()
                .unwrap(HikariDataSource.class)
                .getHikariPoolMXBean();

        pool.softEvictConnections();

        AtomicInteger posted = new AtomicInteger();
        Awaitility.await().during(Duration.ofSeconds(1)).untilAsserted(() -> assertThat(callboard
                        .post("fotor", "{\"taskId\": \"" + posted.getAndIncrement() + "\", \"status\": 1}")
                        .statusCode())
                .isEqualTo(200));
    }

    private static void awaitHealth(int code, String status) {
        Awaitility.await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> {
            HttpResponse<String> health = callboard.manage("/observe/health");
            assertThat(health.statusCode()).isEqualTo(code);
            assertThat(health.body()).contains("\"" + status + "\"");
        });
    }
}
