package dev.callboard.alert;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.settings.Settings.WebhookFormat;
import dev.callboard.text.SafeText;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.ToIntFunction;

/**
 * A message to the chat as it is posted. Its text has values from callers: in each format they are shown as they are, so that
 * they can't mention anybody, become a link or a style, or exceed a limit. A function of its arguments alone.
 *
 * @param body as UTF-8
 * @param headers beside the type; each is one line of ASCII
 */
record ChatMessage(String body, String contentType, Map<String, String> headers) {
    /** Of a plain_text object in a header block: docs.slack.dev, Block Kit, header. */
    static final int MAX_SLACK_HEADER = 150;

    /** Of the text object in a section: docs.slack.dev, Block Kit, text object. */
    static final int MAX_SLACK_SECTION = 3000;

    /** Of content: docs.discord.com, Webhook Resource, Execute Webhook. */
    static final int MAX_DISCORD_CONTENT = 2000;

    /** In bytes, less than the 4,096 from which ntfy makes a message a file: docs.ntfy.sh, Limitations. */
    static final int MAX_NTFY_BYTES = 4000;

    /** Far less than the 28 KB that Teams takes for a message in UTF-16, card included. */
    static final int MAX_TEAMS_TEXT = 4000;

    /** Of the text in the JSON for programs. */
    static final int MAX_JSON_TEXT = 4000;

    private static final int MAX_VALUE = 200;
    private static final int MAX_REASON = 1000;
    private static final int MAX_DETAIL = 4000;

    /** A message is over the limit of Slack or Discord only if a caller means it: each part at the end then gets a share. */
    private static final int TAIL_SHARE = 5;

    /** The flag SUPPRESS_EMBEDS of a message of Discord: no preview of what a link leads to. */
    private static final int SUPPRESS_EMBEDS = 4;

    private static final String DISCORD_MARKUP = "\\*_~`|<>#[]():@";
    private static final String JSON_TYPE = "application/json";
    private static final ObjectMapper JSON = new ObjectMapper();

    static ChatMessage of(WebhookFormat format, ChatText text) {
        return switch (format) {
            case SLACK -> json(slack(text));
            case TEAMS -> json(teams(text));
            case DISCORD -> json(discord(text));
            case NTFY -> ntfy(text);
            case JSON -> json(program(text));
        };
    }

    private static ChatMessage json(Map<String, Object> body) {
        try {
            return new ChatMessage(JSON.writeValueAsString(body), JSON_TYPE, Map.of());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a map of texts is always JSON", e);
        }
    }

    /**
     * An incoming webhook with blocks. All text is plain_text, in which Slack reads no markup and makes no links; {@code &},
     * {@code <} and {@code >} are escaped all the same, as docs.slack.dev asks for in each text, since {@code text} is what
     * notifications show.
     */
    private static Map<String, Object> slack(ChatText text) {
        Writer writer = new Writer(MAX_SLACK_SECTION, ChatMessage::slackEscape, String::length);
        List<Map<String, Object>> blocks = new ArrayList<>();
        blocks.add(object("type", "header", "text", plainText(writer.within(text.heading(), MAX_SLACK_HEADER))));
        blocks.add(object("type", "section", "text", plainText(String.join("\n", writer.lines(text)))));
        return object(
                "text",
                writer.within(text.heading(), MAX_SLACK_SECTION),
                "mrkdwn",
                false,
                "unfurl_links",
                false,
                "unfurl_media",
                false,
                "blocks",
                blocks);
    }

    private static Map<String, Object> plainText(String text) {
        return object("type", "plain_text", "text", text, "emoji", false);
    }

    private static String slackEscape(int c) {
        return switch (c) {
            case '&' -> "&amp;";
            case '<' -> "&lt;";
            case '>' -> "&gt;";
            default -> Character.toString(c);
        };
    }

    /**
     * The message that the workflow "Send webhook alerts to a channel" takes: an Adaptive Card. Its texts are TextRuns, which
     * have no Markdown, unlike TextBlocks.
     */
    private static Map<String, Object> teams(ChatText text) {
        Writer writer = new Writer(MAX_TEAMS_TEXT, Character::toString, String::length);
        List<Map<String, Object>> body = new ArrayList<>();
        body.add(richText(
                object("type", "TextRun", "text", text.heading(), "weight", "Bolder", "size", "Medium"), "Default"));
        for (String line : writer.lines(text)) {
            body.add(richText(object("type", "TextRun", "text", line), "Small"));
        }
        Map<String, Object> card = object(
                "$schema",
                "http://adaptivecards.io/schemas/adaptive-card.json",
                "type",
                "AdaptiveCard",
                "version",
                "1.4",
                "body",
                body,
                "msteams",
                Map.of("width", "Full"));
        Map<String, Object> attachment =
                object("contentType", "application/vnd.microsoft.card.adaptive", "contentUrl", null, "content", card);
        return object("type", "message", "attachments", List.of(attachment));
    }

    private static Map<String, Object> richText(Map<String, Object> run, String spacing) {
        return object("type", "RichTextBlock", "spacing", spacing, "inlines", List.of(run));
    }

    /** Content with its markup escaped, and without any mention: docs.discord.com, Allowed Mentions. */
    private static Map<String, Object> discord(ChatText text) {
        Writer writer = new Writer(MAX_DISCORD_CONTENT, ChatMessage::discordEscape, String::length);
        String heading = "**" + writer.within(text.heading(), MAX_DISCORD_CONTENT / TAIL_SHARE) + "**";
        List<String> lines = new ArrayList<>();
        lines.add(heading);
        lines.addAll(writer.lines(text, heading.length() + 1));
        return object(
                "content",
                String.join("\n", lines),
                "flags",
                SUPPRESS_EMBEDS,
                "allowed_mentions",
                Map.of("parse", List.of()));
    }

    private static String discordEscape(int c) {
        String character = Character.toString(c);
        return DISCORD_MARKUP.contains(character) ? "\\" + character : character;
    }

    /** A text with headers, which a topic's URL takes: docs.ntfy.sh, Publishing. */
    private static ChatMessage ntfy(ChatText text) {
        Writer writer =
                new Writer(MAX_NTFY_BYTES, Character::toString, line -> line.getBytes(StandardCharsets.UTF_8).length);
        String title = text.heading();
        boolean isTest = text.kind().equals(ChatText.TEST);
        return new ChatMessage(
                String.join("\n", writer.lines(text)),
                "text/plain; charset=utf-8",
                Map.of(
                        "Title", MailComposer.isPlain(title) ? title : MailComposer.encodedWords(title, " "),
                        "Priority", text.isUrgent() ? "high" : "default",
                        "Tags", isTest ? "white_check_mark" : "warning"));
    }

    /** As {@code src/docs/alert.schema.json} has it. */
    private static Map<String, Object> program(ChatText text) {
        Writer writer = new Writer(MAX_JSON_TEXT, Character::toString, String::length);
        List<String> lines = new ArrayList<>(List.of(text.heading()));
        lines.addAll(writer.lines(text, text.heading().length() + 1));
        return object(
                "version",
                1,
                "id",
                text.id(),
                "kind",
                text.kind(),
                "provider",
                text.provider().isEmpty() ? null : line(text.provider(), MAX_VALUE),
                "count",
                text.count(),
                "text",
                String.join("\n", lines),
                "alerts",
                text.alerts().stream().map(ChatMessage::alert).toList());
    }

    private static Map<String, Object> alert(MailContent.Alert alert) {
        return object(
                "taskId",
                line(alert.taskId(), MAX_VALUE),
                "taskType",
                line(alert.taskType(), MAX_VALUE),
                "businessId",
                line(alert.businessId(), MAX_VALUE),
                "status",
                line(alert.status(), MAX_VALUE),
                "reason",
                line(alert.failureReason(), MAX_REASON),
                "detail",
                line(alert.detail(), MAX_DETAIL),
                "outcome",
                alert.outcome(),
                "createdAt",
                time(alert.createdAt()),
                "occurredAt",
                time(alert.occurredAt()));
    }

    private static String line(String value, int maxLength) {
        return value == null ? null : SafeText.line(value, maxLength);
    }

    private static String time(Instant time) {
        return time == null ? null : time.toString();
    }

    /** A JSON object of names and values, in this order; a value may be null. */
    private static Map<String, Object> object(Object... namesAndValues) {
        Map<String, Object> object = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            object.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return object;
    }

    /**
     * Writes texts in the characters of a format, up to its limit.
     *
     * @param max the limit of the whole
     * @param escape how a character is written
     * @param size how much a written text counts
     */
    private record Writer(int max, IntFunction<String> escape, ToIntFunction<String> size) {
        private static final String ELLIPSIS = "…";

        /** A text, cut so that it counts at most so much once it is escaped. */
        String within(String text, int limit) {
            StringBuilder all = new StringBuilder();
            StringBuilder cut = new StringBuilder();
            int used = 0;
            int room = limit - size.applyAsInt(ELLIPSIS);
            for (int c : text.codePoints().toArray()) {
                String written = escape.apply(c);
                used += size.applyAsInt(written);
                if (used > limit) {
                    return cut + ELLIPSIS;
                }
                all.append(written);
                if (used <= room) {
                    cut.append(written);
                }
            }
            return all.toString();
        }

        List<String> lines(ChatText text) {
            return lines(text, 0);
        }

        /**
         * The lines of a text, of which those at the end are left out, and counted, that would exceed the limit.
         *
         * @param used what of the limit is used already
         */
        List<String> lines(ChatText text, int used) {
            List<String> tail = new ArrayList<>();
            text.notes().forEach(note -> tail.add(within(note, max / TAIL_SHARE)));
            if (!text.look().isEmpty()) {
                tail.add(within("Look up: " + text.look(), max / TAIL_SHARE));
            }
            // For the line of what is left out, whose number has at most 19 digits with commas between.
            int left = max - used - 40;
            for (String line : tail) {
                left -= size.applyAsInt(line) + 1;
            }
            List<String> lines = new ArrayList<>();
            for (String line : text.lines()) {
                String written = within("• " + line, lines.isEmpty() ? left - 1 : max);
                left -= size.applyAsInt(written) + 1;
                if (left < 0) {
                    break;
                }
                lines.add(written);
            }
            long more = text.more() + text.lines().size() - lines.size();
            if (more > 0) {
                lines.add(String.format(Locale.ENGLISH, "and %,d more", more));
            }
            lines.addAll(tail);
            return lines;
        }
    }
}
