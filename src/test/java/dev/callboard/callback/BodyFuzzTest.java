package dev.callboard.callback;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.callboard.testkit.Backend;
import dev.callboard.testkit.TestCallboard;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Generated bodies, half of them almost valid: those with an id and a status are recorded, all others are
 * answered 400, and none is answered 500. Runs for {@code callboard.fuzz.seconds} (20).
 */
class BodyFuzzTest {
    private static final Duration TIME = Duration.ofSeconds(Long.getLong("callboard.fuzz.seconds", 20));
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    private static final ObjectMapper STRICT = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private static final List<String> NAMES = List.of(
            "taskId",
            "status",
            "type",
            "businessId",
            "resultUrl",
            "avatarResult",
            "images",
            "templateId",
            "url",
            "id",
            "hasHsfw",
            "result",
            "success",
            "error",
            "name",
            "generated_photo_url",
            "failed_reason",
            "updated_at",
            "x",
            "");
    private static final List<String> TEXTS = List.of(
            "",
            " ",
            "0",
            "1",
            "2",
            "true",
            "null",
            "a,b",
            "${body}",
            "{{x}}",
            "$..*",
            "\u0000",
            "\ud800",
            "\u2028",
            "\n",
            "https://x.example/1.png",
            "2025-05-30T04:11:05.751592-07:00",
            "9999-99-99",
            "completed",
            "x".repeat(201),
            "👩‍🎨",
            "'; DROP TABLE task; --",
            "[1]",
            "{\"images\": [{\"url\": 1}]}");

    private static TestCallboard callboard;

    @BeforeAll
    static void start() {
        callboard = TestCallboard.start(Backend.H2);
    }

    @AfterAll
    static void stop() {
        callboard.close();
    }

    @Test
    void recordsABodyWithAnIdAndAStatusAndAnswersAnyOtherWith400() {
        long seed = Long.getLong("callboard.fuzz.seed", System.nanoTime());
        Random random = new Random(seed);
        Instant end = Instant.now().plus(TIME);
        int recorded = 0;
        int invalid = 0;
        while (Instant.now().isBefore(end)) {
            byte[] body = body(random);
            boolean fine = isCallback(body);
            HttpResponse<String> answer = TestCallboard.send(HttpRequest.newBuilder(callboard.url("/callbacks/fotor"))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofByteArray(body))
                    .build());
            assertThat(answer.statusCode())
                    .as("seed %d, body %s", seed, new String(body, StandardCharsets.UTF_8))
                    .isEqualTo(fine ? 200 : 400);
            if (fine) {
                recorded++;
            } else {
                invalid++;
            }
        }
        System.out.printf("fuzz of bodies: seed %d, %d recorded, %d invalid%n", seed, recorded, invalid);
        assertThat(recorded).isPositive();
        assertThat(invalid).isPositive();
    }

    /** The rule of the schema, implemented a second time. */
    private static boolean isCallback(byte[] body) {
        JsonNode json;
        try {
            json = STRICT.readTree(StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString());
        } catch (IOException e) {
            return false;
        }
        if (json == null || !json.isObject()) {
            return false;
        }
        JsonNode status = json.path("status");
        JsonNode id = json.path("taskId");
        boolean hasStatus = status.isNumber()
                && status.doubleValue() == Math.rint(status.doubleValue())
                && status.doubleValue() >= Integer.MIN_VALUE
                && status.doubleValue() <= Integer.MAX_VALUE;
        return hasStatus && id.isTextual() && isId(id.textValue());
    }

    private static boolean isId(String id) {
        return id.length() <= 200
                && id.codePoints()
                        .noneMatch(c -> Character.getType(c) == Character.CONTROL
                                || Character.getType(c) == Character.SURROGATE)
                && id.codePoints().anyMatch(c -> c != ' ');
    }

    private static byte[] body(Random random) {
        ObjectNode callback = object(random, 4);
        if (random.nextInt(4) > 0) {
            callback.put("taskId", random.nextInt(8) > 0 ? UUID.randomUUID().toString() : text(random));
        }
        if (random.nextInt(4) > 0) {
            callback.put("status", random.nextInt(5) - 1);
        }
        byte[] body = callback.toString().getBytes(StandardCharsets.UTF_8);
        if (random.nextInt(3) == 0) {
            for (int i = random.nextInt(4); i >= 0; i--) {
                body[random.nextInt(body.length)] =
                        (byte) (random.nextBoolean() ? random.nextInt(256) : "{}[]\",:".charAt(random.nextInt(7)));
            }
        }
        return body;
    }

    private static JsonNode value(Random random, int depth) {
        return switch (random.nextInt(depth > 0 ? 9 : 7)) {
            case 0 -> NODES.nullNode();
            case 1 -> NODES.booleanNode(random.nextBoolean());
            case 2 -> NODES.numberNode(random.nextInt(5));
            case 3 -> NODES.numberNode(random.nextGaussian() * Math.pow(10, random.nextInt(300)));
            case 4, 5, 6 -> NODES.textNode(text(random));
            case 7 -> object(random, depth - 1);
            default -> array(random, depth - 1);
        };
    }

    private static ObjectNode object(Random random, int depth) {
        ObjectNode object = NODES.objectNode();
        for (int i = random.nextInt(6); i > 0; i--) {
            object.set(NAMES.get(random.nextInt(NAMES.size())), value(random, depth));
        }
        return object;
    }

    private static ArrayNode array(Random random, int depth) {
        ArrayNode array = NODES.arrayNode();
        for (int i = random.nextInt(4); i > 0; i--) {
            array.add(value(random, depth));
        }
        return array;
    }

    private static String text(Random random) {
        return TEXTS.get(random.nextInt(TEXTS.size()));
    }
}
