package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.CallboardProcess;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The packaged application with the {@code routes/} of version 0.1, which users have edited and keep: each callback is
 * answered, recorded, quarantined and mailed as before.
 */
class FrozenRoutesIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static Path folder;
    private static CallboardProcess callboard;

    @BeforeAll
    static void start() throws IOException {
        folder = TestCallboard.newFolder();
        String routes = Path.of("src/test/resources/frozen-routes/0.1").toAbsolutePath() + "/*.camel.yaml";
        callboard = new CallboardProcess(
                folder, Map.of("callboard.routes", "file:" + routes, "callboard.alerts.interval", "1s"));
        callboard.start();
    }

    @AfterAll
    static void stop() throws Exception {
        callboard.close();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "fotor | {'taskId': '%s', 'status': 1, 'resultUrl': 'https://x.example/1.png'} | https://x.example/1.png",
                "creatify | {'id': '%s', 'status': 'video_generated', 'generated_video_url': 'https://x.example/1.mp4'} | https://x.example/1.mp4"
            })
    void recordsACompletedTask(String provider, String body, String url) {
        String task = provider + "-completed";

        assertThat(post(provider + "?ref=order-77", body.formatted(task)).statusCode())
                .isEqualTo(200);

        JsonNode shown = get("/tasks/" + provider + "/" + task);
        assertThat(shown.at("/task/outcome").asText()).isEqualTo("completed");
        assertThat(shown.at("/task/businessId").asText()).isEqualTo("order-77");
        assertThat(shown.at("/results").findValuesAsText("url")).containsExactly(url);
        assertThat(shown.at("/callbacks/0/sourceAddress").asText()).isEqualTo("127.0.0.1");
        assertThat(shown.at("/callbacks/0/payload").asText()).contains(task);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {"fotor | {'taskId': '%s', 'status': 2}", "creatify | {'id': '%s', 'status': 'failed'}"})
    void recordsAndMailsAFailedTask(String provider, String body) {
        String task = provider + "-failed";

        assertThat(post(provider, body.formatted(task)).statusCode()).isEqualTo(200);

        assertThat(get("/tasks/" + provider + "/" + task).at("/task/outcome").asText())
                .isEqualTo("failed");
        awaitMail(task);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {"fotor | {'taskId': 5}", "creatify | {'id': 5}"})
    void quarantinesAndMailsAnInvalidCallback(String provider, String body) {
        HttpResponse<String> answer = post(provider, body);

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(answer.body()).contains("/status");
        assertThat(get("/quarantine"))
                .anySatisfy(entry -> assertThat(entry.path("provider").asText()).isEqualTo(provider));
        awaitMail("/status is expected to be present");
    }

    private static HttpResponse<String> post(String path, String body) {
        return TestCallboard.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.port + "/callbacks/" + path))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body.replace('\'', '"')))
                        .build());
    }

    private static JsonNode get(String path) {
        try {
            return JSON.readTree(TestCallboard.send(
                            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + callboard.managementPort + path))
                                    .build())
                    .body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void awaitMail(String part) {
        await().atMost(Duration.ofSeconds(40)).until(() -> mails().stream().anyMatch(mail -> mail.contains(part)));
    }

    /** Lines are joined: quoted-printable breaks them anywhere. */
    private static List<String> mails() throws IOException {
        Path directory = folder.resolve("data/mail");
        if (!Files.exists(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            List<String> mails = new ArrayList<>();
            for (Path file :
                    files.filter(path -> path.toString().endsWith(".eml")).toList()) {
                mails.add(Files.readString(file).replace("=\r\n", ""));
            }
            return mails;
        }
    }
}
