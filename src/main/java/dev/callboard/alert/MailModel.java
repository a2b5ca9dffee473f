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
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What the templates of a mail can show: the {@link MailContent} as text. Every value comes from a caller, so each is
 * put on one line and cut, and only a plain http(s) URL becomes a link. Safe for any number of threads.
 */
final class MailModel {
    /** How many alerts are shown in full; the others are shown briefly. */
    static final int MAX_IN_FULL = 10;

    /** Every name that a template may use. */
    static final Set<String> NAMES = Set.of(
            // of the mail
            "failed",
            "no_result",
            "incomplete",
            "flagged",
            "unknown",
            "overdue",
            "missed",
            "malformed",
            "refused",
            "lookup_refused",
            "quarantine_full",
            "undelivered",
            "test",
            "other",
            "provider",
            "name",
            "kind",
            "phrase",
            "count",
            "single",
            "since",
            "until",
            "completed",
            "late",
            "counted_since",
            "rejected",
            "unavailable",
            "recovered",
            "recovered_single",
            "recovered_tasks",
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
            "found_only",
            "open_since",
            "last_change",
            "also",
            "details",
            "files",
            "more_files",
            "lines",
            "completed_since",
            "look",
            // of a detail or a file
            "label",
            "padding",
            "text",
            "url");

    private static final int MAX_VALUE = 200;
    private static final int MAX_REASON = 1000;
    private static final int MAX_BRIEF = 60;
    private static final int MAX_URL = 2000;
    private static final int MAX_FILES = 5;
    private static final int MAX_LINES = 50;

    /** Where the texts of details begin in plain text: at least where the template has those of the other labels. */
    private static final int MIN_COLUMN = 11;

    private static final int MAX_COLUMN = 24;

    private static final Pattern LINK = Pattern.compile("(?i)https?://[!-~&&[^\"<>\\\\^`{|}]]+");
    private static final ObjectMapper JSON = new ObjectMapper();

    private final DateTimeFormatter time;
    private final String manage;

    MailModel(Settings settings) {
        this.time = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss z", Locale.ENGLISH)
                .withZone(settings.alerts().timeZone());
        this.manage = settings.management().url();
    }

    /** The model of a test mail. */
    Map<String, Object> ofTest() {
        return new HashMap<>(Map.of("test", true, "manage", manage, "full", List.of(), "brief", List.of()));
    }

    /**
     * The model of a mail about alerts.
     *
     * @param code the code of their kind
     */
    Map<String, Object> of(String code, String provider, MailContent content) {
        AlertKind kind = AlertKind.of(code);
        String name = line(provider, MAX_VALUE);
        long count = content.alerts();
        List<Map<String, Object>> all = new ArrayList<>();
        for (MailContent.Alert alert : content.newest()) {
            all.add(alert(kind, name, alert, content.files()));
        }
        Map<String, Object> model = new HashMap<>();
        model.put(kind.section(), true);
        model.put("kind", line(code, MAX_VALUE));
        model.put("phrase", line(kind.phrase(), MAX_VALUE));
        model.put("provider", name);
        model.put("name", SafeText.capitalized(name));
        model.put("manage", manage);
        model.put("count", thousands(content.tasks() == 0 ? count : content.tasks()));
        model.put("single", count == 1);
        model.put("since", time(content.since()));
        model.put("until", time(content.until()));
        model.put("first", all.isEmpty() ? Map.of() : all.get(0));
        model.put("full", all.subList(0, Math.min(MAX_IN_FULL, all.size())));
        model.put("brief", all.subList(Math.min(MAX_IN_FULL, all.size()), all.size()));
        model.put("unlisted", count > all.size() ? thousands(count - all.size()) : "");
        content.missed().ifPresent(missed -> putMissed(model, missed));
        putRecovered(model, content.recovered());
        if (count > 1 && kind.hasReasons()) {
            model.put("completed", content.completed() == 0 ? "" : thousands(content.completed()));
            model.put("reasons", reasons(kind, content.reasons(), count));
        }
        return model;
    }

    private void putMissed(Map<String, Object> model, MailContent.Missed missed) {
        model.put("late", missed.late() == 0 ? "" : thousands(missed.late()));
        model.put("counted_since", time(missed.requests().since()));
        model.put("rejected", thousands(missed.requests().rejected()));
        model.put("unavailable", thousands(missed.requests().unavailable()));
    }

    private static void putRecovered(Map<String, Object> model, MailContent.Recovered recovered) {
        List<String> ids = recovered.taskIds().stream()
                .map(taskId -> line(taskId, MAX_VALUE))
                .toList();
        long more = recovered.tasks() - ids.size();
        model.put("recovered", recovered.tasks() == 0 ? "" : thousands(recovered.tasks()));
        model.put("recovered_single", recovered.tasks() == 1);
        model.put("recovered_tasks", String.join(", ", ids) + (more > 0 ? " and " + thousands(more) + " more" : ""));
    }

    private static List<Map<String, Object>> reasons(AlertKind kind, List<MailContent.Reason> rows, long count) {
        List<Map<String, Object>> reasons = new ArrayList<>();
        long rest = count;
        for (MailContent.Reason row : rows) {
            String none = kind == AlertKind.OVERDUE ? "not looked up" : "no reason given";
            String reason = row.reason() == null ? none : line(row.reason(), MAX_VALUE);
            String text = kind == AlertKind.UNKNOWN ? "status " + reason : reason;
            reasons.add(Map.of(
                    "reason", text,
                    "reason_brief", line(text, MAX_BRIEF),
                    "count", thousands(row.alerts()),
                    "most", reasons.isEmpty()));
            rest -= row.alerts();
        }
        if (rest > 0) {
            reasons.add(Map.of("reason", "other reasons", "reason_brief", "", "count", thousands(rest), "most", false));
        }
        return reasons;
    }

    private Map<String, Object> alert(
            AlertKind kind, String provider, MailContent.Alert row, List<MailContent.File> files) {
        boolean isOverdue = kind == AlertKind.OVERDUE;
        boolean isExpected = isOverdue && "expected".equals(row.outcome());
        String reason = isOverdue ? row.detail() : row.failureReason();
        Map<String, Object> alert = new HashMap<>();
        alert.put("task_id", line(row.taskId(), MAX_VALUE));
        alert.put("task_type", line(row.taskType(), MAX_VALUE));
        alert.put("business_id", line(row.businessId(), MAX_VALUE));
        alert.put("status", isExpected ? "no callback received yet" : line(row.status(), MAX_VALUE));
        alert.put("reason", line(reason, MAX_REASON));
        alert.put("reason_brief", line(reason, MAX_BRIEF));
        alert.put("when", time(row.occurredAt() == null ? row.createdAt() : row.occurredAt()));
        boolean isTimeOurs = row.occurredAt() == null && row.taskId() != null && !isOverdue;
        alert.put("received_only", isTimeOurs && !row.isLookedUp());
        alert.put("found_only", isTimeOurs && row.isLookedUp());
        alert.put("open_since", isOverdue ? time(row.openSince()) : "");
        alert.put(
                "last_change",
                row.openSince() != null && row.changedAt().isAfter(row.openSince()) ? time(row.changedAt()) : "");
        alert.put(
                "also",
                row.otherKinds().stream()
                        .map(other -> AlertKind.of(line(other, MAX_VALUE)).phrase())
                        .filter(phrase -> !phrase.isEmpty())
                        .toList());
        alert.put("details", details(row.details()));
        alert.put("lines", isOverdue ? List.of() : lines(row.detail()));
        alert.put("completed_since", kind.hasReasons() && "completed".equals(row.outcome()) && row.openSince() == null);
        if (row.taskId() != null) {
            alert.put("look", manage + "/tasks/" + encoded(provider) + "/" + encoded(row.taskId()));
            List<MailContent.File> own = files.stream()
                    .filter(file -> row.taskId().equals(file.taskId()))
                    .toList();
            alert.put(
                    "files", own.stream().limit(MAX_FILES).map(MailModel::file).toList());
            alert.put("more_files", own.size() > MAX_FILES ? thousands(own.size() - MAX_FILES) : "");
        }
        return alert;
    }

    private static Map<String, Object> file(MailContent.File row) {
        Map<String, Object> file = linked(row.url());
        file.put("label", line(row.kind(), MAX_VALUE));
        return file;
    }

    private static List<Map<String, Object>> details(String json) {
        List<Map<String, Object>> details = new ArrayList<>();
        if (json != null) {
            try {
                JsonNode object = JSON.readTree(json);
                object.properties().forEach(entry -> {
                    Map<String, Object> detail = linked(entry.getValue().asText());
                    detail.put("label", line(entry.getKey(), MAX_VALUE));
                    details.add(detail);
                });
            } catch (JsonProcessingException e) {
                throw new UncheckedIOException(new IOException("callback.details is not JSON", e));
            }
        }
        align(details);
        return details;
    }

    /** Sets the padding of each detail, so that the texts begin in one column unless a label is too long for it. */
    private static void align(List<Map<String, Object>> details) {
        int column = MIN_COLUMN;
        for (Map<String, Object> detail : details) {
            column = Math.max(column, detail.get("label").toString().length() + 2);
        }
        for (Map<String, Object> detail : details) {
            int length = detail.get("label").toString().length() + 1;
            detail.put("padding", " ".repeat(Math.max(1, Math.min(column, MAX_COLUMN) - length)));
        }
    }

    private static List<String> lines(String detail) {
        return detail == null
                ? List.of()
                : detail.lines()
                        .map(line -> line(line, MAX_VALUE))
                        .filter(line -> !line.isEmpty())
                        .limit(MAX_LINES)
                        .toList();
    }

    /** A text, and the same as a link if it is a URL and nothing else; it is then shown in full. */
    private static Map<String, Object> linked(String value) {
        Map<String, Object> model = new HashMap<>();
        String text = line(value, MAX_URL);
        model.put("url", isLink(text) ? text : "");
        model.put("text", isLink(text) ? text : line(text, MAX_REASON));
        return model;
    }

    private static boolean isLink(String text) {
        if (!LINK.matcher(text).matches()) {
            return false;
        }
        try {
            URI uri = new URI(text);
            // A user name before the host serves only to deceive the reader.
            return uri.getHost() != null && uri.getRawUserInfo() == null;
        } catch (URISyntaxException e) {
            return false;
        }
    }

    /** A part of a URL that can be pasted into a shell: only letters, digits and - . _ ~ are left as they are. */
    private static String encoded(String part) {
        StringBuilder text = new StringBuilder();
        for (byte b : part.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xff);
            if (c < 128 && (Character.isLetterOrDigit(c) || "-._~".indexOf(c) >= 0)) {
                text.append(c);
            } else {
                text.append(String.format("%%%02X", b & 0xff));
            }
        }
        return text.toString();
    }

    private static String line(String value, int maxLength) {
        return value == null ? "" : SafeText.line(value, maxLength);
    }

    private static String thousands(long number) {
        return String.format(Locale.ENGLISH, "%,d", number);
    }

    private String time(Instant instant) {
        return instant == null ? "" : time.format(instant);
    }
}
