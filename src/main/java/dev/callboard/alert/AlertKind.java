package dev.callboard.alert;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The kinds of alerts, each with its rules: which callbacks raise it, how often, and how it is mailed.
 * A user's route may set other codes; they follow the rules of {@link #OTHER}, and the tables hold them as they are.
 */
public enum AlertKind {
    /** The provider says that a task has failed. */
    FAILED("failed", "failed", Dedup.REVISION),
    /** A task is completed, but its callback names no file. */
    NO_RESULT("no_result", "without a file", Dedup.REVISION),
    /** A task is completed, but a part of its result is missing or has failed. */
    INCOMPLETE("incomplete", "with parts missing", Dedup.REVISION),
    /** A task is completed, and the provider marks its result as harmful or sensitive. */
    FLAGGED("flagged", "marked as harmful or sensitive", Dedup.REVISION),
    /** A callback has a status that its route does not handle. */
    UNKNOWN("unknown", "with an unknown status", Dedup.DAY),
    /** Callers were rejected. */
    REFUSED("refused", "rejected callers", Dedup.DAY),
    /** A callback was invalid, or could not be recorded. */
    MALFORMED("malformed", "an invalid callback", Dedup.HOUR),
    /** The quarantine deleted callbacks of a provider, since newer ones exceeded its limits. */
    QUARANTINE_FULL("quarantine_full", "callbacks deleted from the quarantine", Dedup.DAY),
    /** A mail server has rejected a recipient of another mail for good. */
    UNDELIVERED("undelivered", "an undeliverable mail", Dedup.DAY),
    /** A code of a user's own route. */
    OTHER("", "", Dedup.REVISION);

    /** How often an alert about the same thing is raised. */
    enum Dedup {
        /** Once for each revision of a task. */
        REVISION,
        /** Once a day, in UTC. */
        DAY,
        /** Once an hour. */
        HOUR
    }

    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("yyyy-MM-dd").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter HOUR =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH").withZone(ZoneOffset.UTC);

    private final String code;
    private final String phrase;
    private final Dedup dedup;

    AlertKind(String code, String phrase, Dedup dedup) {
        this.code = code;
        this.phrase = phrase;
        this.dedup = dedup;
    }

    /** The kind that a column or a route names; {@link #OTHER} for a code of a user's own route. */
    public static AlertKind of(String code) {
        return Arrays.stream(values())
                .filter(kind -> kind != OTHER && kind.code.equals(code))
                .findFirst()
                .orElse(OTHER);
    }

    /** The codes of all kinds but {@link #OTHER}, in the order of the manual. */
    public static List<String> codes() {
        return Arrays.stream(values())
                .filter(kind -> kind != OTHER)
                .map(AlertKind::code)
                .toList();
    }

    /** How the kind is named in a mail that is about another kind of the same callback. */
    public static String phrase(String code) {
        AlertKind kind = of(code);
        return kind == OTHER ? code : kind.phrase;
    }

    /** The name in routes, columns and settings; empty for {@link #OTHER}. */
    public String code() {
        return code;
    }

    /** How the templates of mails name it. */
    public String section() {
        return this == OTHER ? "other" : code;
    }

    /** Whether a stale callback raises it too, since what it reports is new to the task all the same. */
    public boolean isRaisedByStaleCallback() {
        return this == FLAGGED || this == UNKNOWN;
    }

    /** Whether it is mailed in digests only, never at once. */
    boolean isDigestOnly() {
        return this == FLAGGED;
    }

    /** Whether its mails list the most frequent reasons and say how many tasks have completed since. */
    boolean hasReasons() {
        return this == FAILED || this == UNKNOWN;
    }

    /** Whether it is mailed to every address of the settings, unless it has recipients of its own. */
    boolean isForAllRecipients() {
        return this == UNDELIVERED;
    }

    Dedup dedup() {
        return dedup;
    }

    /**
     * The key under which an alert is raised once, whatever the task: the kind, what the alert is about, and the day or
     * hour.
     *
     * @return empty if the alert is raised once for each revision of a task
     */
    public Optional<String> dedupKey(String about, Instant now) {
        return switch (dedup) {
            case REVISION -> Optional.empty();
            case DAY -> Optional.of(code + " " + about + " " + DAY.format(now));
            case HOUR -> Optional.of(code + " " + about + " " + HOUR.format(now));
        };
    }
}
