package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.callboard.settings.Settings;
import dev.callboard.settings.Settings.WebhookFormat;
import jakarta.mail.internet.MimeUtility;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What is posted to each chat: as its documentation has it, whatever callers have sent. */
final class ChatMessageTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final ObjectMapper STRICT =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private static final MailComposer COMPOSER = composer();

    private static MailComposer composer() {
        Settings settings = MailServerTest.settings(Map.of());
        return new MailComposer(settings, new Recipients(settings), Clock.systemUTC());
    }

    private static MailContent.Alert alert(String taskId, String businessId, String reason, String detail) {
        return new MailContent.Alert(
                taskId,
                taskId == null ? null : "video",
                businessId,
                taskId == null ? null : "2",
                reason,
                List.of(),
                detail,
                null,
                NOON,
                null,
                false,
                taskId == null ? null : "failed",
                NOON,
                null);
    }

    private static ChatText text(String kind, long count, List<MailContent.Alert> newest) {
        long tasks = newest.stream().anyMatch(alert -> alert.taskId() != null) ? count : 0;
        List<MailContent.Reason> reasons = count == 1 || newest.get(0).failureReason() == null
                ? List.of()
                : List.of(new MailContent.Reason(newest.get(0).failureReason(), count));
        MailContent content = new MailContent(
                count,
                tasks,
                0,
                NOON,
                NOON,
                reasons,
                newest,
                List.of(),
                count == 1 ? MailContent.Recovered.NONE : new MailContent.Recovered(3, List.of("task-a", "task-b")),
                Optional.empty());
        LeasedMail mail = new LeasedMail(
                "<one@callboard>",
                "<zero@callboard>",
                Channel.WEBHOOK,
                "fotor",
                kind,
                "<zero@callboard>",
                null,
                UUID.randomUUID(),
                1,
                false,
                List.of(),
                List.of(),
                content,
                () -> {});
        Map<String, Object> model = COMPOSER.model().of(kind, "fotor", content);
        return ChatText.of(mail, model, COMPOSER.heading(model));
    }

    private static ChatText single() {
        return text("failed", 1, List.of(alert("0a1b2c3d", "order-77", "the prompt is too long", null)));
    }

    private static ChatText digest() {
        List<MailContent.Alert> alerts = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            alerts.add(alert("task-" + i, i % 2 == 0 ? "order-" + i : null, "out of credits", null));
        }
        return text("failed", 1234, alerts);
    }

    private static JsonNode json(ChatMessage message) throws IOException {
        return STRICT.readTree(message.body());
    }

    /** What its schema says against a message; of ntfy, which has none, nothing. */
    private static List<String> problems(WebhookFormat format, ChatMessage message) throws IOException {
        Path schema =
                switch (format) {
                    case NTFY -> null;
                    case JSON -> Path.of("src/docs/alert.schema.json");
                    default -> Path.of("src/test/resources/chat/" + format.code() + ".schema.json");
                };
        return schema == null
                ? List.of()
                : JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                        .getSchema(Files.readString(schema))
                        .validate(json(message), context -> context.getExecutionConfig()
                                .setFormatAssertionsEnabled(true))
                        .stream()
                        .map(Object::toString)
                        .toList();
    }

    static Stream<Arguments> ordinaryTexts() {
        List<ChatText> texts = new ArrayList<>(
                List.of(single(), digest(), ChatText.ofTest("<test@callboard>", "Callboard: test mail")));
        for (String kind : AlertKind.codes()) {
            texts.add(text(kind, 1, List.of(alert(null, null, null, "203.0.113.7: 3 times\nwrong token"))));
            texts.add(text(kind, 2, List.of(alert("b", "", "", null), alert("a", null, null, "unknown"))));
        }
        texts.add(text("image_ready", 1, List.of(alert("a", "b", null, null))));
        return Stream.of(WebhookFormat.values())
                .flatMap(format -> texts.stream().map(text -> Arguments.of(format, text)));
    }

    @ParameterizedTest
    @MethodSource("ordinaryTexts")
    void isWhatTheChatDocuments(WebhookFormat format, ChatText text) throws IOException {
        ChatMessage message = ChatMessage.of(format, text);
        assertThat(problems(format, message)).isEmpty();
        assertThat(message.body()).isNotBlank();
        assertThat(message.contentType())
                .isEqualTo(format == WebhookFormat.NTFY ? "text/plain; charset=utf-8" : "application/json");
    }

    static Stream<Arguments> hostileTexts() {
        List<String> texts = List.of(
                "<!channel> <!here> <@U123> <#C1|general> <https://evil.example|click>",
                "&lt;!channel&gt; &amp;",
                "@everyone @here <@123> <@&456> <#789> <:x:1> </cmd:1>",
                "[x](http://evil.example) **b** __u__ ~~s~~ ||spoiler|| `c` ```\ncode``` > q # h - l",
                "\\*\\_ \\\\* \\",
                "a\r\nTitle: forged\r\n\r\nbody\u2028x\u2029y\u0000z\u001b[31m\u0085",
                "\u202egnp.exe \u2066isolate\u2069 \u200bzero\u200d\ufeff",
                "lone \ud800 surrogate \udc00 and \ud83d",
                "=?UTF-8?B?Zm9yZ2Vk?= übergröße 漢字 😀",
                "\"}],\"blocks\":[{\"type\":\"actions\"}] ${body} {{secret}} {{DATE(2026-01-01T00:00:00Z)}} <at>all</at>",
                "<".repeat(4000),
                "*".repeat(4000),
                "漢".repeat(4000),
                "😀".repeat(2000),
                "&".repeat(199) + "😀");
        return Stream.of(WebhookFormat.values())
                .flatMap(format -> texts.stream().map(text -> Arguments.of(format, text)));
    }

    @ParameterizedTest
    @MethodSource("hostileTexts")
    void showsWhatCallersSendAsItIsAndWithinTheLimits(WebhookFormat format, String hostile) throws IOException {
        String id = hostile.substring(0, Math.min(200, hostile.length()));
        for (ChatText text : List.of(
                text("failed", 1, List.of(alert(id, id, hostile, null))),
                text("failed", 2_000_000_000_000L, Collections.nCopies(50, alert(id, id, hostile, null))),
                text("unknown", 3, Collections.nCopies(3, alert(id, id, hostile, hostile))),
                text("malformed", 1, List.of(alert(null, null, null, (hostile + "\n").repeat(60)))))) {
            ChatMessage message = ChatMessage.of(format, text);
            assertThat(problems(format, message)).isEmpty();
            assertThat(new String(message.body().getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8))
                    .as("no lone surrogate")
                    .isEqualTo(message.body());
            assertThat(message.headers().values())
                    .allSatisfy(value -> assertThat(value).matches("[ -~]{1,1000}"));
            switch (format) {
                case SLACK -> assertSlack(json(message));
                case TEAMS -> assertTeams(json(message), message.body());
                case DISCORD -> assertDiscord(json(message));
                case NTFY -> assertNtfy(message, text);
                case JSON -> assertShown(json(message).get("text").asText());
            }
        }
    }

    /** No character that hides or reorders others, or ends a line that we have not ended. */
    private static void assertShown(String text) {
        assertThat(text.lines().toList()).as("our own lines").hasSizeLessThanOrEqualTo(14);
        assertThat(text.codePoints().filter(c -> c != '\n' && c != 0x200D))
                .allSatisfy(c -> assertThat(Character.getType(c))
                        .isNotIn(
                                (int) Character.CONTROL,
                                (int) Character.FORMAT,
                                (int) Character.SURROGATE,
                                (int) Character.LINE_SEPARATOR,
                                (int) Character.PARAGRAPH_SEPARATOR));
    }

    private static void assertSlack(JsonNode body) {
        assertThat(body.get("text").asText()).doesNotContain("<", ">");
        for (JsonNode block : body.get("blocks")) {
            String text = block.get("text").get("text").asText();
            assertThat(text.length())
                    .isLessThanOrEqualTo(block.get("type").asText().equals("header") ? 150 : 3000);
            assertShown(text);
        }
        assertThat(body.get("blocks")).hasSize(2);
    }

    private static void assertTeams(JsonNode body, String text) {
        assertThat(text.getBytes(StandardCharsets.UTF_16LE).length).isLessThan(28 * 1024);
        JsonNode card = body.get("attachments").get(0).get("content");
        for (JsonNode block : card.get("body")) {
            String run = block.get("inlines").get(0).get("text").asText();
            assertShown(run);
            assertThat(run).doesNotContain("\n");
        }
    }

    private static void assertDiscord(JsonNode body) {
        String content = body.get("content").asText();
        assertThat(content.length()).isLessThanOrEqualTo(2000);
        assertShown(content);
        List<String> lines = content.lines().toList();
        assertThat(lines.get(0)).startsWith("**").endsWith("**");
        String heading = lines.get(0).substring(2, lines.get(0).length() - 2);
        String rest = heading + String.join("", lines.subList(1, lines.size()));
        assertThat(rest.replaceAll("\\\\[\\p{Punct}]", "")).doesNotContainPattern("[\\\\*_~`|<>\\[\\]()@:#]");
    }

    private static void assertNtfy(ChatMessage message, ChatText text) throws IOException {
        assertThat(message.body().getBytes(StandardCharsets.UTF_8).length).isLessThanOrEqualTo(4000);
        assertShown(message.body());
        assertThat(MimeUtility.decodeText(message.headers().get("Title"))).isEqualTo(text.heading());
    }

    @Test
    void saysWhatHappenedAndWhereToLook() {
        ChatText text = digest();
        assertThat(text.heading()).isEqualTo("Fotor: 1,234 tasks failed; mostly: out of credits");
        assertThat(text.lines()).hasSize(10).startsWith("task-0 (order-0): out of credits", "task-1: out of credits");
        assertThat(text.more()).isEqualTo(1224);
        assertThat(ChatMessage.of(WebhookFormat.NTFY, text).body())
                .endsWith(
                        """
                        • task-9: out of credits
                        and 1,224 more
                        Of the last message, 3 completed since: task-a, task-b and 1 more
                        Look up: curl 'http://127.0.0.1:9876/tasks?provider=fotor'""");
        assertThat(single().lines()).containsExactly("0a1b2c3d (order-77): the prompt is too long");
        assertThat(single().look()).isEqualTo("curl http://127.0.0.1:9876/tasks/fotor/0a1b2c3d");
    }

    @Test
    void countsWhatALimitLeavesOut() throws IOException {
        String id = "*".repeat(200);
        ChatMessage message = ChatMessage.of(
                WebhookFormat.DISCORD, text("failed", 7, Collections.nCopies(7, alert(id, id, id, null))));
        String content = json(message).get("content").asText();
        long shown = content.lines().filter(line -> line.startsWith("• ")).count();
        assertThat(shown).isBetween(1L, 3L);
        assertThat(content).contains("and " + (7 - shown) + " more");
    }

    @ParameterizedTest
    @EnumSource(WebhookFormat.class)
    void hasTheSameBodyOnEachAttempt(WebhookFormat format) {
        assertThat(ChatMessage.of(format, digest())).isEqualTo(ChatMessage.of(format, digest()));
    }
}
