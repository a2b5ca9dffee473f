package dev.callboard.db;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is old goes, with all that hangs on it, and nothing else. */
@Timeout(120)
final class RetentionTest {
    @ParameterizedTest
    @EnumSource(Backend.class)
    void forgetsOldTasksButNoneWhoseAlertIsNotSent(Backend backend) throws Exception {
        TestCallboard callboard = TestCallboard.start(backend, Map.of("callboard.retention", "30d"));
        try {
            for (String taskId : new String[] {"old", "old-untold", "old-heard-of", "new"}) {
                assertThat(callboard.post("fotor", fotor(taskId)).statusCode()).isEqualTo(200);
            }
            callboard.post("fotor", "old and malformed");
            callboard.post("fotor", "new and malformed");
            await().until(() -> callboard
                    .rows(
                            "SELECT 1 FROM alert LEFT JOIN mail ON mail.mail_id = alert.mail_id WHERE mail.sent_at IS NULL")
                    .isEmpty());
            execute(
                    callboard,
                    "UPDATE quarantine SET received_at = received_at - INTERVAL '31' DAY WHERE payload LIKE 'old%'",
                    "INSERT INTO mail (mail_id, provider, kind, sequence, thread_id, state, created_at, quiet_after,"
                            + " interval_seconds, next_digest_at, sent_at)"
                            + " SELECT 'of nothing', 'fotor', 'flagged', 1, 'of nothing', 'sent', then_at, then_at, 1, then_at, then_at"
                            + " FROM (SELECT CURRENT_TIMESTAMP - INTERVAL '31' DAY AS then_at) AS times",
                    "UPDATE mail SET sent_at = sent_at - INTERVAL '31' DAY WHERE kind = 'malformed'",
                    "UPDATE task SET changed_at = changed_at - INTERVAL '31' DAY WHERE task_id LIKE 'old%'",
                    "UPDATE task SET last_callback_at = last_callback_at - INTERVAL '31' DAY WHERE task_id IN ('old', 'old-untold')",
                    "INSERT INTO mail (mail_id, provider, kind, sequence, thread_id, state, created_at, quiet_after,"
                            + " interval_seconds, next_digest_at, next_attempt_at)"
                            + " SELECT 'unsent', 'waiting', 'failed', 1, 'unsent', 'pending', now_at, now_at, 1, now_at,"
                            + " now_at + INTERVAL '1' DAY FROM (SELECT CURRENT_TIMESTAMP AS now_at) AS times",
                    "UPDATE alert SET mail_id = 'unsent' WHERE task_id = 'old-untold'");
        } finally {
            callboard.close();
        }
        callboard.startAgain();
        try {
            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(callboard.rows("SELECT task_id FROM task ORDER BY task_id"))
                            .extracting(row -> row.get("task_id"))
                            .containsExactly("new", "old-heard-of", "old-untold"));
            await().untilAsserted(() -> assertThat(callboard.rows("SELECT payload FROM quarantine"))
                    .extracting(row -> row.get("payload"))
                    .containsExactly("new and malformed"));
            assertThat(callboard.rows("SELECT 1 FROM mail WHERE mail_id = 'of nothing' OR kind = 'malformed'"))
                    .isEmpty();
            assertThat(callboard.rows("SELECT 1 FROM alert WHERE kind = 'malformed'"))
                    .isEmpty();
            assertThat(callboard.rows("SELECT 1 FROM mail")).isNotEmpty();
            for (String table : new String[] {"callback", "result", "alert"}) {
                assertThat(callboard.rows("SELECT DISTINCT task_id FROM " + table
                                + " WHERE task_id IS NOT NULL ORDER BY task_id"))
                        .as(table)
                        .extracting(row -> row.get("task_id"))
                        .doesNotContain("old")
                        .hasSize(3);
            }
        } finally {
            callboard.close();
        }
    }

    @Test
    void refusesARetentionThatIsNoNumberOfDays() {
        Properties properties = new Properties();
        properties.setProperty("callboard.retention", "90");
        assertThatThrownBy(() -> Settings.read(Path.of("no-file"), Map.of(), properties))
                .isInstanceOf(StartException.class)
                .hasMessageStartingWith("callboard.retention: '90'");
    }

    private static String fotor(String taskId) {
        return "{\"taskId\":\"" + taskId + "\",\"status\":2,\"type\":\"videoEnhancer\","
                + "\"resultUrl\":\"https://static.example.com/" + taskId + ".mp4\"}";
    }

    private static void execute(TestCallboard callboard, String... statements) throws SQLException {
        try (Connection connection = callboard.callboard().dataSource().getConnection();
                Statement statement = connection.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }
}
