package dev.callboard.alert;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.callboard.settings.Settings;
import dev.callboard.text.SafeText;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What the templates of a mail can say: the rows of {@code read-alerts} as words. Every value is a stranger's, so each
 * is on one line and cut, and only what is plainly an http(s) address becomes a link. Safe for any number of threads.
 */
final class MailModel {
    /** The alerts that are shown in full; the others of a mail in short. */
    static final int MAX_IN_FULL = 10;

    /** Every word that a template may use. */
    static final Set<String> ALL = Set.of(
            // of the mail
            "failed",
            "no_result",
            "incomplete",
            "flagged",
            "unknown",
            "refused",
            "malformed",
            "undelivered",
            "test",
            "other",
            "provider",
            "name",
            "kind",
            "count",
            "single",
            "since",
            "until",
            "completed",
            "reasons",
            "first",
            "full",
            "brief",
            "unlisted",
            "manage",
            // of a reason
            "reason",
            "reason_brief",
            "most",
            // of an alert
            "task_id",
            "task_type",
            "business_id",
            "status",
            "when",
            "received_only",
            "also",
            "details",
            "files",
            "more_files",
            "lines",
            "completed_since",
            "look",
            // of a detail or a file
            "label",
            "text",
            "url");

    private static final int MAX_VALUE = 200;
    private static final int MAX_REASON = 1000;
    private static final int MAX_BRIEF = 60;
    private static final int MAX_URL = 2000;
    private static final int MAX_FILES = 5;
    private static final int MAX_LINES = 50;

    private static final Pattern LINK = Pattern.compile("(?i)https?://[!-~&&[^\"<>\\\\^`{|}]]+");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final DateTimeFormatter time;
    private final String manage;

    MailModel(Settings settings) {
        this.time = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss z", Locale.ENGLISH)
                .withZone(settings.alerts().timeZone());
        this.manage = settings.management().url();
    }

    /** The words of a test mail. */
    Map<String, Object> ofTest() {
        return new HashMap<>(Map.of("test", true, "manage", manage, "full", List.of(), "brief", List.of()));
    }

    /**
     * @param mail the row of the mail
     * @param total how many alerts and tasks it tells of, and from when to when
     * @param reasons how many have which reason, the most frequent first
     * @param alerts the newest alerts, the newest first
     * @param files the files of the newest
     */
    Map<String, Object> of(
            Map<String, Object> mail,
            Map<String, Object> total,
            List<Map<String, Object>> reasons,
            List<Map<String, Object>> alerts,
            List<Map<String, Object>> files) {
        String kind = String.valueOf(mail.get("kind"));
        String provider = line(mail.get("provider"), MAX_VALUE);
        long count = number(total.get("alerts"));
        long tasks = number(total.get("tasks"));
        List<Map<String, Object>> all = new ArrayList<>();
        for (Map<String, Object> alert : alerts) {
            all.add(alert(kind, provider, alert, files));
        }
        Map<String, Object> words = new HashMap<>();
        words.put(Recipients.KINDS.contains(kind) ? kind : "other", true);
        words.put("kind", line(kind, MAX_VALUE));
        words.put("provider", provider);
        words.put("name", provider.substring(0, 1).toUpperCase(Locale.ROOT) + provider.substring(1));
        words.put("manage", manage);
        words.put("count", thousands(tasks == 0 ? count : tasks));
        words.put("single", count == 1);
        words.put("since", time(total.get("since")));
        words.put("until", time(total.get("until")));
        words.put("first", all.isEmpty() ? Map.of() : all.get(0));
        words.put("full", all.subList(0, Math.min(MAX_IN_FULL, all.size())));
        words.put("brief", all.subList(Math.min(MAX_IN_FULL, all.size()), all.size()));
        words.put("unlisted", count > all.size() ? thousands(count - all.size()) : "");
        if (count > 1 && (kind.equals("failed") || kind.equals("unknown"))) {
            long completed = number(total.get("completed"));
            words.put("completed", completed == 0 ? "" : thousands(completed));
            words.put("reasons", reasons(kind, reasons, count));
        }
        return words;
    }

    private static List<Map<String, Object>> reasons(String kind, List<Map<String, Object>> rows, long count) {
        List<Map<String, Object>> reasons = new ArrayList<>();
        long rest = count;
        for (Map<String, Object> row : rows) {
            String reason = row.get("reason") == null ? "no reason given" : line(row.get("reason"), MAX_VALUE);
            String words = kind.equals("unknown") ? "status " + reason : reason;
            reasons.add(Map.of(
                    "reason", words,
                    "reason_brief", line(words, MAX_BRIEF),
                    "count", thousands(number(row.get("alerts"))),
                    "most", reasons.isEmpty()));
            rest -= number(row.get("alerts"));
        }
        if (rest > 0) {
            reasons.add(Map.of("reason", "other reasons", "reason_brief", "", "count", thousands(rest), "most", false));
        }
        return reasons;
    }

    private Map<String, Object> alert(
            String kind, String provider, Map<String, Object> row, List<Map<String, Object>> files) {
        Map<String, Object> alert = new HashMap<>();
        for (String name : List.of("task_id", "task_type", "business_id", "status")) {
            alert.put(name, line(row.get(name), MAX_VALUE));
        }
        alert.put("reason", line(row.get("failure_reason"), MAX_REASON));
        alert.put("reason_brief", line(row.get("failure_reason"), MAX_BRIEF));
        alert.put("when", time(row.get("occurred_at") == null ? row.get("created_at") : row.get("occurred_at")));
        alert.put("received_only", row.get("occurred_at") == null && row.get("task_id") != null);
        alert.put(
                "also",
                Stream.of(line(row.get("other_kinds"), MAX_VALUE).split(",", -1))
                        .filter(other -> !other.isEmpty())
                        .map(MailModel::inWords)
                        .toList());
        alert.put("details", details(row.get("details")));
        alert.put("lines", lines(row.get("detail")));
        boolean failed = kind.equals("failed") || kind.equals("unknown");
        alert.put("completed_since", failed && "completed".equals(row.get("outcome")));
        if (row.get("task_id") != null) {
            alert.put("look", manage + "/tasks/" + encoded(provider) + "/" + encoded(row.get("task_id")));
            List<Map<String, Object>> own = files.stream()
                    .filter(file -> row.get("task_id").equals(file.get("task_id")))
                    .toList();
            alert.put(
                    "files", own.stream().limit(MAX_FILES).map(MailModel::file).toList());
            alert.put("more_files", own.size() > MAX_FILES ? thousands(own.size() - MAX_FILES) : "");
        }
        return alert;
    }

    private static String inWords(String kind) {
        return switch (kind) {
            case "flagged" -> "marked as harmful or sensitive";
            case "no_result" -> "without a file";
            case "incomplete" -> "with parts missing";
            default -> kind;
        };
    }

    private static Map<String, Object> file(Map<String, Object> row) {
        Map<String, Object> file = linked(row.get("url"));
        file.put("label", line(row.get("kind"), MAX_VALUE));
        file.put("flagged", row.get("flagged"));
        return file;
    }

    private static List<Map<String, Object>> details(Object json) {
        List<Map<String, Object>> details = new ArrayList<>();
        if (json != null) {
            try {
                JsonNode object = JSON.readTree(json.toString());
                object.properties().forEach(entry -> {
                    Map<String, Object> detail = linked(entry.getValue().asText());
                    detail.put("label", line(entry.getKey(), MAX_VALUE));
                    details.add(detail);
                });
            } catch (JsonProcessingException e) {
                throw new UncheckedIOException(new IOException("callback.details is no JSON", e));
            }
        }
        return details;
    }

    private static List<String> lines(Object detail) {
        return detail == null
                ? List.of()
                : detail.toString()
                        .lines()
                        .map(line -> line(line, MAX_VALUE))
                        .filter(line -> !line.isEmpty())
                        .limit(MAX_LINES)
                        .toList();
    }

    /** A text, and the same as a link if it is an address of the web and nothing else; it is then shown in full. */
    private static Map<String, Object> linked(Object value) {
        Map<String, Object> words = new HashMap<>();
        String text = line(value, MAX_URL);
        words.put("url", isLink(text) ? text : "");
        words.put("text", isLink(text) ? text : line(text, MAX_REASON));
        return words;
    }

    private static boolean isLink(String text) {
        if (!LINK.matcher(text).matches()) {
            return false;
        }
        try {
            URI uri = new URI(text);
            // A user name in front of the host only deceives the reader.
            return uri.getHost() != null && uri.getRawUserInfo() == null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    /** For an address that a person may paste into a shell: nothing but letters, digits and - . _ ~ as they are. */
    private static String encoded(Object part) {
        StringBuilder text = new StringBuilder();
        for (byte b : part.toString().getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c < 128 && (Character.isLetterOrDigit(c) || "-._~".indexOf(c) >= 0)) {
                text.append(c);
            } else {
                text.append(String.format("%%%02X", b & 0xff));
            }
        }
        return text.toString();
    }

    private static String line(Object value, int most) {
        return value == null ? "" : SafeText.line(value.toString(), most);
    }

    private static String thousands(long number) {
        return String.format(Locale.ENGLISH, "%,d", number);
    }

    private static long number(Object value) {
        return value instanceof Number number ? number.longValue() : 0;
    }

    /** The databases' drivers give times as different classes. */
    private String time(Object value) {
        if (value instanceof Timestamp timestamp) {
            return time.format(timestamp.toInstant());
        }
        return value instanceof OffsetDateTime moment ? time.format(Instant.from(moment)) : "";
    }
}
