package dev.callboard.alert;

import dev.callboard.text.SafeText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a message to the chat says, as plain text that no format has escaped yet: each part is one line and cut, as {@link
 * MailModel} has it. A function of its arguments alone.
 *
 * @param id the id of the mail, the same on each attempt
 * @param kind the code of its kind, or test
 * @param provider empty for a test
 * @param count how many alerts it is about
 * @param heading how many tasks, in which kind, of which provider: the subject of the mail
 * @param lines the newest alerts; at most {@link #MAX_LINES}
 * @param more how many alerts have no line
 * @param notes what is to say beside the alerts
 * @param look a command that shows more; empty if there is none
 * @param isUrgent whether alerts of this kind are sent at once
 * @param alerts the newest alerts, for a program
 */
record ChatText(
        String id,
        String kind,
        String provider,
        long count,
        String heading,
        List<String> lines,
        long more,
        List<String> notes,
        String look,
        boolean isUrgent,
        List<MailContent.Alert> alerts) {
    /** How many alerts have a line. */
    static final int MAX_LINES = 10;

    /** The kind of a test message. */
    static final String TEST = "test";

    private static final int MAX_LINE = 300;
    private static final int MAX_REASON = 120;
    private static final int MAX_ONLY_REASON = 500;
    private static final int MAX_LOOK = 400;

    static ChatText ofTest(String id, String heading) {
        return new ChatText(
                id,
                TEST,
                "",
                0,
                heading,
                List.of("This is a test message. Alerts are sent the same way, so they arrive as well."),
                0,
                List.of(),
                "",
                false,
                List.of());
    }

    /**
     * @param model what the templates of the same mail can show
     * @param heading its subject
     */
    static ChatText of(LeasedMail mail, Map<String, Object> model, String heading) {
        AlertKind kind = AlertKind.of(mail.kind());
        List<Map<?, ?>> shown = new ArrayList<>();
        ((List<?>) model.get("full")).forEach(alert -> shown.add((Map<?, ?>) alert));
        boolean isSingle = mail.content().alerts() == 1;
        List<String> lines = new ArrayList<>();
        int alerts = 0;
        for (Map<?, ?> alert : shown) {
            List<String> own = lines(kind, alert, isSingle ? MAX_ONLY_REASON : MAX_REASON);
            if (alerts > 0 && lines.size() + own.size() > MAX_LINES) {
                break;
            }
            own.stream().limit(MAX_LINES).forEach(lines::add);
            alerts++;
        }
        return new ChatText(
                mail.mailId(),
                mail.kind(),
                mail.provider(),
                mail.content().alerts(),
                heading,
                // No chat takes an empty text.
                lines.isEmpty() ? List.of(heading) : List.copyOf(lines),
                Math.max(0, mail.content().alerts() - alerts),
                notes(model),
                look(kind, model, isSingle),
                !kind.isDigestOnly() && !kind.isDaily(),
                mail.content().newest());
    }

    /** One line about a task; the lines of text of an alert that is about none. */
    private static List<String> lines(AlertKind kind, Map<?, ?> alert, int maxReason) {
        String taskId = text(alert, "task_id");
        if (taskId.isEmpty()) {
            return ((List<?>) alert.get("lines"))
                    .stream()
                            .map(line -> SafeText.line(line.toString(), MAX_LINE))
                            .toList();
        }
        StringBuilder line = new StringBuilder(taskId);
        if (!text(alert, "business_id").isEmpty()) {
            line.append(" (").append(text(alert, "business_id")).append(')');
        }
        String reason = kind == AlertKind.UNKNOWN ? "status " + text(alert, "status") : text(alert, "reason");
        if (!reason.isEmpty()) {
            line.append(": ").append(SafeText.line(reason, maxReason));
        } else if (kind == AlertKind.FAILED) {
            line.append(": no reason given");
        }
        for (Object also : (List<?>) alert.get("also")) {
            line.append("; also ").append(also);
        }
        if (Boolean.TRUE.equals(alert.get("completed_since"))) {
            line.append("; completed since");
        }
        return List.of(line.toString());
    }

    private static List<String> notes(Map<String, Object> model) {
        List<String> notes = new ArrayList<>();
        if (!text(model, "recovered").isEmpty()) {
            notes.add(SafeText.line(
                    "Of the last message, " + text(model, "recovered") + " completed since: "
                            + text(model, "recovered_tasks"),
                    MAX_LINE));
        }
        return notes;
    }

    /** As in mails; all of it is ours, or encoded. */
    private static String look(AlertKind kind, Map<String, Object> model, boolean isSingle) {
        String manage = text(model, "manage");
        String look = text((Map<?, ?>) model.get("first"), "look");
        if (kind == AlertKind.MALFORMED || kind == AlertKind.QUARANTINE_FULL) {
            return "curl " + manage + "/quarantine";
        }
        if (kind == AlertKind.UNDELIVERED) {
            return "curl '" + manage + "/mails?refused=true'";
        }
        if (look.isEmpty()) {
            return "";
        }
        return isSingle && look.length() <= MAX_LOOK
                ? "curl " + look
                : "curl '" + manage + "/tasks?provider=" + text(model, "provider") + "'";
    }

    private static String text(Map<?, ?> model, String name) {
        Object value = model.get(name);
        return value == null ? "" : value.toString();
    }
}
