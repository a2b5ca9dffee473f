package dev.callboard.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.testkit.OnEachDatabase;
import dev.callboard.testkit.TestCallboard;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Invalid bodies are answered 400 with the reason, are not recorded, and are quarantined. */
final class InvalidCallbackTest extends OnEachDatabase {
    private static final String GOOD = "{\"taskId\": \"t-1\", \"status\": 1}";

    @Test
    void answersInvalidBodiesWith400AndQuarantinesThem() throws IOException {
        Map<String, byte[]> bodies = invalid();
        assertThat(bodies).hasSizeGreaterThanOrEqualTo(100);
        int quarantined = callboard.count("quarantine");
        List<String> wrong = new ArrayList<>();
        bodies.forEach((name, body) -> {
            HttpResponse<String> answer = post(body);
            if (answer.statusCode() != 400
                    || !answer.headers().firstValue("Content-Type").orElse("").equals("application/problem+json")
                    || !answer.body().contains("\"errors\":[{")) {
                wrong.add(name + " -> " + answer.statusCode() + " " + answer.body());
            }
        });
        assertThat(wrong).isEmpty();
        assertThat(callboard.count("callback")).isZero();
        assertThat(callboard.count("callback")).isZero();
        assertThat(callboard.count("quarantine")).isEqualTo(quarantined + bodies.size());
        assertThat(callboard.rows("SELECT DISTINCT kind FROM alert"))
                .extracting(row -> row.get("kind"))
                .containsExactly("malformed");
        assertThat(callboard.count("alert")).as("at most once an hour").isLessThanOrEqualTo(2);
    }

    @Test
    void namesEachInvalidFieldAndTheExpectedValue() throws IOException {
        HttpResponse<String> answer = post("{\"taskId\": 5}".getBytes(StandardCharsets.UTF_8));
        JsonNode problem = new ObjectMapper().readTree(answer.body());
        assertThat(problem.at("/status").asInt()).isEqualTo(400);
        assertThat(problem.at("/errors").findValuesAsText("field")).containsExactlyInAnyOrder("/taskId", "/status");
        assertThat(problem.at("/errors").findValuesAsText("expected"))
                .containsExactlyInAnyOrder("to be of type string", "to be present");
    }

    @Test
    void namesTheFirstByteThatIsNotUtf8() throws IOException {
        byte[] body = "{\"status\": 1, \"taskId\": \"t\u00fft\"}".getBytes(StandardCharsets.ISO_8859_1);
        HttpResponse<String> answer = post(body);
        assertThat(answer.statusCode()).isEqualTo(400);
        JsonNode problem = new ObjectMapper().readTree(answer.body());
        assertThat(problem.at("/detail").asText()).isEqualTo("the body is expected to be UTF-8, but is not at byte 27");
        assertThat(callboard.rows("SELECT payload FROM quarantine WHERE reason LIKE '%at byte 27'"))
                .extracting(row -> row.get("payload"))
                .contains("{\"status\": 1, \"taskId\": \"t\ufffdt\"}");
    }

    @Test
    void acceptsTheReplacementCharacterIfTheCallerSentIt() {
        assertThat(post(GOOD.replace("t-1", "t-\ufffd").getBytes(StandardCharsets.UTF_8))
                        .statusCode())
                .isEqualTo(200);
        callboard.forgetCallbacks();
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "\u20ac", "\ud83d\ude00"})
    void recordsIdsOfAtMostTwoHundredUtf16UnitsAndRejectsLongerOnes(String character) throws IOException {
        String longest = character.repeat(200 / character.length());
        assertThat(postId(longest).statusCode()).isEqualTo(200);
        assertThat(callboard.rows("SELECT task_id FROM task WHERE outcome <> 'expected'"))
                .containsExactly(Map.of("task_id", longest));
        callboard.forgetCallbacks();

        HttpResponse<String> answer = postId(longest + character);
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(new ObjectMapper().readTree(answer.body()).at("/detail").asText())
                .isEqualTo("/taskId is expected to have at most 200 characters");
        assertThat(callboard.count("callback")).isZero();
    }

    private static HttpResponse<String> postId(String id) {
        return post(bytes(GOOD.replace("t-1", id)));
    }

    @Test
    void recordsTextsOfAnyLengthInOtherFields() {
        String emoji = "\ud83d\ude00".repeat(5000);
        assertThat(post(bytes(GOOD.replace("}", ", \"type\": \"x%1$s\", \"businessId\": \"x%1$s\"}".formatted(emoji))))
                        .statusCode())
                .isEqualTo(200);
        String status = "\u20ac".repeat(200);
        String creatify = "{\"id\": \"c\", \"status\": \"%s\", \"type\": \"%2$s\", \"regen_type\": \"%2$s\"}";
        assertThat(callboard.post("creatify", creatify.formatted(status, emoji)).statusCode())
                .isEqualTo(200);
        assertThat(callboard
                        .post(
                                "creatify",
                                creatify.formatted("failed", emoji)
                                        .replace(
                                                "}",
                                                ", \"failed_reason\": \"" + emoji + "\", \"product_url\": \"" + emoji
                                                        + "\"}"))
                        .statusCode())
                .isEqualTo(200);
        assertThat(callboard.rows("SELECT task_id FROM task WHERE outcome <> 'expected'"))
                .hasSize(2);
        callboard.forgetCallbacks();
    }

    @Test
    void returnsNothingThatTheCallerSent() {
        HttpResponse<String> answer = post("{\"taskId\": [\"<script>\"], \"stat".getBytes(StandardCharsets.UTF_8));
        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(answer.body()).doesNotContain("script");
    }

    private static HttpResponse<String> post(byte[] body) {
        return TestCallboard.send(HttpRequest.newBuilder(callboard.url("/callbacks/fotor"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                .build());
    }

    private static Map<String, byte[]> invalid() throws IOException {
        Map<String, byte[]> bodies = new LinkedHashMap<>();
        for (int cut = 1; cut < GOOD.length(); cut++) {
            bodies.put("cut after " + cut, bytes(GOOD.substring(0, cut)));
        }
        List<String> values = List.of(
                "null",
                "true",
                "[]",
                "{}",
                "\"1\"",
                "1.5",
                "-1e999",
                "1e999",
                "2147483648",
                "-2147483649",
                "99999999999999999999999999",
                "\"\"",
                "[1]",
                "{\"a\":1}",
                "NaN",
                "01",
                "+1",
                "0x1",
                "1.",
                ".5",
                "'1'");
        for (String value : values) {
            bodies.put("status " + value, bytes("{\"taskId\": \"t\", \"status\": " + value + "}"));
        }
        for (String value : List.of(
                "null",
                "true",
                "[]",
                "{}",
                "1",
                "\"\"",
                "\"\\u0000\"",
                "\"a\\u0000b\"",
                "\"\\ud800\"",
                "\"\\udc00x\"",
                "\"a\\nb\"",
                "\"a\\u0007\"",
                "\"\\u0085\"",
                "\"" + "x".repeat(201) + "\"",
                "\"a\nb\"",
                "\"\\x\"",
                "\"\\u12\"",
                "'t'",
                "t",
                "\"t\"\"t\"")) {
            bodies.put("taskId " + value, bytes("{\"taskId\": " + value + ", \"status\": 1}"));
        }
        for (String body : List.of(
                "",
                " ",
                "\n",
                "null",
                "true",
                "1",
                "\"text\"",
                "[]",
                "[" + GOOD + "]",
                "{}",
                "{]",
                "}",
                "nul",
                GOOD + GOOD,
                GOOD + " x",
                GOOD + ",",
                GOOD + "]",
                "x" + GOOD,
                "// no\n" + GOOD,
                "/* no */" + GOOD,
                "{\"taskId\": \"t\", \"status\": 1, \"status\": 2}",
                "{\"taskId\": \"a\", \"taskId\": \"b\", \"status\": 1}",
                "{\"taskId\": \"t\", \"status\": 1, \"x\": {\"a\": 1, \"a\": 2}}",
                "{\"taskId\": \"t\", \"status\": 1,}",
                "{taskId: \"t\", status: 1}",
                "{\"taskId\" \"t\"}",
                "taskId=t&status=1",
                "<task id=\"t\"/>",
                "{\"taskid\": \"t\", \"Status\": 1}",
                "[".repeat(10_000),
                "{\"a\":".repeat(10_000),
                "{\"taskId\": \"t\", \"status\": 1, \"x\": " + "[".repeat(10_000) + "]".repeat(10_000) + "}",
                "{\"taskId\": \"t\", \"status\": " + "9".repeat(100_000) + "}",
                "{\"taskId\": \"t\", \"status\": 1, \"x\": " + "9".repeat(100_000) + "}",
                GOOD.replace("\"t-1\"", "\"t\u0000\""))) {
            bodies.put("body " + body.substring(0, Math.min(60, body.length())) + "#" + bodies.size(), bytes(body));
        }
        bodies.put("UTF-16", GOOD.getBytes(StandardCharsets.UTF_16));
        bodies.put("UTF-16LE", GOOD.getBytes(StandardCharsets.UTF_16LE));
        bodies.put("UTF-32", GOOD.getBytes("UTF-32"));
        bodies.put("zeros", new byte[100]);
        bodies.put("a broken byte", new byte[] {'{', (byte) 0xff, '}'});
        bodies.put(
                "a broken byte in a text",
                "{\"taskId\": \"t\u00ff\", \"status\": 1}".getBytes(StandardCharsets.ISO_8859_1));
        bodies.put("half a character at the end", Arrays.copyOf(bytes(GOOD + "\u20ac"), GOOD.length() + 2));
        bodies.put("a broken byte in a key", bytes(GOOD.replace("taskId", "task\u00ff")));
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(zipped)) {
            gzip.write(bytes(GOOD));
        }
        bodies.put("gzip", zipped.toByteArray());
        return bodies;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
