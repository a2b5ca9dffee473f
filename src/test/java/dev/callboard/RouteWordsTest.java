package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.callboard.testkit.Backend;
import dev.callboard.testkit.Logged;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.internet.MimeMessage;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The words that a route computes: a kind of alerts that the settings declare, and words that do not exist. */
final class RouteWordsTest {
    /** Steps that take each word from the callback. */
    private static final String STEPS =
            """
                    - setVariable: {name: alert, simple: {expression: "${variable.alert},${body[alert]}"}}
                    - filter:
                        simple: "${body[outcome]} != null"
                        steps:
                          - setVariable: {name: outcome, simple: {expression: "${body[outcome]}"}}
                    - filter:
                        simple: "${body[kind]} != null"
                        steps:
                          - setVariable: {name: kind, simple: {expression: "${body[kind]}"}}
                          - setVariable: {name: url, constant: {expression: "https://files.example.com/1"}}
                          - to: {uri: "bean:results?method=add"}
                    - to:
                        uri: direct
                        parameters:
                          name: record-task
            """;

    private static final String RECORD =
            "        - to:\n            uri: direct\n            parameters:\n              name: record-task\n";

    private static TestCallboard callboard;

    @BeforeAll
    static void start() {
        String routes = TestCallboard.editedRoutes("fotor", text -> text.replace(RECORD, STEPS));
        callboard = TestCallboard.start(
                Backend.H2,
                Map.of("callboard.routes", routes, "callboard.alerts.kind.image_ready.to", "images@example.test"));
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    @Test
    void mailsADeclaredKindToItsRecipients() throws Exception {
        String body = "{\"taskId\": \"ready-1\", \"status\": 1, \"type\": \"bgRemover\","
                + " \"resultUrl\": \"https://files.example.com/1.png\", \"alert\": \"image_ready\"}";
        assertThat(callboard.post("fotor", body).statusCode()).isEqualTo(200);

        MimeMessage mail = callboard.mailOf("ready-1");
        assertThat(mail.getSubject()).isEqualTo("Fotor: image ready (ready-1, bgRemover)");
        assertThat(mail.getHeader("To")).containsExactly("images@example.test");
        assertThat(TestMails.text(mail))
                .contains("routes/fotor.camel.yaml raises it as image_ready", "files.example.com");
    }

    @ParameterizedTest
    @CsvSource({"audio, 200", "file, 200", "video, 200"})
    void recordsEachKindOfFile(String kind, int status) {
        String task = "kind-" + kind;
        assertThat(callboard.post("fotor", body(task, "kind", kind)).statusCode())
                .isEqualTo(status);
        assertThat(callboard.task("fotor", task).at("/results/0/kind").asText()).isEqualTo(kind);
    }

    @ParameterizedTest
    @CsvSource({
        "outcome, complete,   'in_progress, completed, failed, unknown'",
        "alert,   img_ready,  'failed, no_result, incomplete, flagged, unknown, overdue, missed, malformed, refused, lookup_refused, quarantine_full, undelivered, image_ready'",
        "kind,    picture,    'image, video, audio, file'",
    })
    void quarantinesACallbackWithAWordThatDoesNotExist(String variable, String word, String allowed) {
        String task = "unknown-" + variable;
        try (Logged log = new Logged()) {
            assertThat(callboard.post("fotor", body(task, variable, word)).statusCode())
                    .isEqualTo(500);
            assertThat(log.lines("callback failed id="))
                    .singleElement()
                    .asString()
                    .contains("task=\"" + task + "\"", "'" + word + "'", allowed)
                    .doesNotContain("\n");
        }
        assertThat(callboard.rows("SELECT 1 FROM task WHERE task_id = ?", task)).isEmpty();
        assertThat(callboard.rows("SELECT 1 FROM quarantine WHERE payload LIKE ?", "%" + task + "%"))
                .hasSize(1);
    }

    private static String body(String task, String variable, String word) {
        return "{\"taskId\": \"" + task + "\", \"status\": 0, \"" + variable + "\": \"" + word + "\"}";
    }
}
