package dev.callboard.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.callboard.testkit.Logged;
import dev.callboard.testkit.OnEachDatabase;
import dev.callboard.testkit.RawHttp;
import dev.callboard.testkit.TestCallboard;
import dev.callboard.testkit.TestMails;
import jakarta.mail.Message;
import jakarta.mail.internet.MimeMessage;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Headers, query, path and fields of a request cannot change anything but the values of the callback. */
final class HostileInputTest extends OnEachDatabase {
    @Test
    void mailsOnlyTheConfiguredRecipients() throws Exception {
        String query =
                "?To=evil@example.org&Cc=evil@example.org&Bcc=evil@example.org&Subject=evil&From=evil@example.org"
                        + "&Content-Type=text/evil&provider=evil&alertKind=evil&CamelMailTo=evil@example.org&outcome=completed";
        HttpResponse<String> answer = callboard.post(
                "fotor" + query,
                "{\"taskId\": \"headers\", \"status\": 2, \"To\": \"evil@example.org\", \"provider\": \"evil\"}",
                "To",
                "evil@example.org",
                "Cc",
                "evil@example.org",
                "Bcc",
                "evil@example.org",
                "Subject",
                "evil",
                "Reply-To",
                "evil@example.org",
                "CamelJdbcParameters",
                "evil",
                "CamelHttpResponseCode",
                "418",
                "CamelSqlQuery",
                "DROP TABLE task",
                "X-Echo",
                "evil");

        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.body()).isEmpty();
        assertThat(answer.headers().map().toString()).doesNotContain("evil");
        assertThat(callboard.rows("SELECT provider, outcome FROM task WHERE task_id = 'headers'"))
                .containsExactly(Map.of("provider", "fotor", "outcome", "failed"));
        MimeMessage mail = mailAbout("headers");
        assertThat(mail.getAllRecipients()).extracting(Object::toString).containsExactly("ops@localhost");
        assertThat(mail.getFrom()).extracting(Object::toString).containsExactly("callboard@localhost");
        assertThat(mail.getReplyTo()).extracting(Object::toString).containsExactly("callboard@localhost");
        assertThat(mail.getSubject()).doesNotContain("evil");
        assertThat(mail.getContentType()).startsWith("multipart/alternative");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'; DROP TABLE task; --",
                "${body}",
                "${bean:dataSource?method=close}",
                "{{callboard.database.password}}",
                "#{7*7}",
                ":?provider",
                "../../etc/passwd",
                "<script>alert(1)</script>",
                "x, Bcc: evil@example.org",
                "=?utf-8?q?evil?=",
                "${variable.provider},flagged,true)}",
                "👩‍🎨 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 עברית"
            })
    void storesEveryValueAsItIs(String value) throws Exception {
        String json = new com.fasterxml.jackson.databind.ObjectMapper().writeValueAsString(value);
        String body = "{\"taskId\": %1$s, \"status\": 2, \"businessId\": %1$s, \"type\": %1$s, \"resultUrl\": %1$s}"
                .formatted(json);
        assertThat(callboard.post("fotor", body).statusCode()).isEqualTo(200);

        assertThat(callboard.rows("SELECT task_type, business_id, outcome FROM task WHERE task_id = ?", value))
                .containsExactly(Map.of("task_type", value, "business_id", value, "outcome", "failed"));
        assertThat(callboard.rows("SELECT url FROM result WHERE task_id = ?", value))
                .containsExactly(Map.of("url", value));
        String details = "{\"id\": %1$s, \"status\": \"failed\", \"failed_reason\": %1$s, \"product_url\": %1$s}"
                .formatted(json);
        assertThat(callboard.post("creatify", details).statusCode()).isEqualTo(200);
        assertThat(callboard.rows("SELECT details FROM callback WHERE provider = 'creatify' AND task_id = ?", value))
                .singleElement()
                .satisfies(row -> assertThat(row.get("details").toString()).isEqualTo("{\"Product\":" + json + "}"));
    }

    @Test
    void putsNoLineBreakIntoTheSubject() throws Exception {
        String id = "a\\u2028Bcc: evil@example.org";
        assertThat(callboard
                        .post(
                                "fotor",
                                "{\"taskId\": \"" + id
                                        + "\", \"status\": 2, \"type\": \"x\\r\\nBcc: evil@example.org\"}")
                        .statusCode())
                .isEqualTo(200);
        MimeMessage mail = mailAbout("a Bcc: evil@example.org");
        assertThat(mail.getRecipients(Message.RecipientType.BCC)).isNull();
        assertThat(mail.getHeader("Subject")).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource({
        "GET, /nothing, 404",
        "POST, /callbacks/unknown, 404",
        "POST, /callbacks, 404",
        "POST, /callbacks/fotor/x, 404",
        "POST, /callbacks/%2e%2e/tasks, 404",
        "GET, /tasks, 404",
        "GET, /observe/health, 404",
        "PUT, /callbacks/fotor, 405",
        "DELETE, /callbacks/fotor, 405",
        "PATCH, /callbacks/fotor, 405"
    })
    void answersOtherPathsAndMethods(String method, String path, int status) {
        HttpResponse<String> answer = TestCallboard.send(HttpRequest.newBuilder(callboard.url(path))
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString("{\"taskId\": \"served\", \"status\": 1}"))
                .build());
        assertThat(answer.statusCode()).isEqualTo(status);
        assertThat(callboard.rows("SELECT 1 FROM task WHERE task_id = 'served'"))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/%zz", "/callbacks/%zz", "/callbacks/fotor?a=%zz", "/callbacks/fotor%", "/nothing?%"})
    void answersAMalformedUrlWith400(String target) {
        try (Logged log = new Logged()) {
            assertThat(RawHttp.status(callboard.port, "127.0.0.1", RawHttp.postJson(target)))
                    .isEqualTo(400);
            assertThat(log.lines()).allMatch(line -> line.startsWith("WARN invalid request "));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "text/plain",
                "application/xml",
                "none"
            })
    void acceptsOnlyJson(String type) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(callboard.url("/callbacks/fotor") + "?a=b"))
                .POST(HttpRequest.BodyPublishers.ofString("{\"taskId\": \"type\", \"status\": 1}"));
        if (!type.equals("none")) {
            request.header("Content-Type", type);
        }
        assertThat(TestCallboard.send(request.build()).statusCode()).isEqualTo(415);
        assertThat(callboard.rows("SELECT 1 FROM task WHERE task_id = 'type'")).isEmpty();
    }

    @Test
    void answersABodyThatIsTooLongWith413() {
        String body = "{\"taskId\": \"long\", \"status\": 1, \"x\": \"" + "x".repeat(1_048_576) + "\"}";
        assertThat(callboard.post("fotor", body).statusCode()).isEqualTo(413);
        assertThat(callboard.rows("SELECT 1 FROM task WHERE task_id = 'long'")).isEmpty();
    }

    private static MimeMessage mailAbout(String task) {
        List<MimeMessage> found = await().atMost(Duration.ofSeconds(40))
                .until(
                        () -> callboard.mails().stream()
                                .filter(mail -> TestMails.text(mail).contains(task))
                                .toList(),
                        mails -> !mails.isEmpty());
        return found.get(0);
    }
}
