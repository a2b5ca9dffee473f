package dev.callboard.alert;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The kinds of alerts, each with its rules: which callbacks raise it, how often, and how it is mailed.
 * A user's route may set other words; they follow the rules of {@link #OTHER} and keep their word in the tables.
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
    /** A callback has a status that no route knows. */
    UNKNOWN("unknown", "with an unknown status", Dedup.DAY),
    /** Callers were rejected. */
    REFUSED("refused", "rejected callers", Dedup.DAY),
    /** A callback was invalid, or could not be recorded. */
    MALFORMED("malformed", "an invalid callback", Dedup.HOUR),
    /** A mail server has rejected a recipient of another mail for good. */
    UNDELIVERED("undelivered", "an undeliverable mail", Dedup.DAY),
    /** A word that only a user's route knows. */
    OTHER("", "", Dedup.REVISION);

    /** How often an alert about the same thing is raised. */
    public enum Dedup {
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

    private final String word;
    private final String phrase;
    private final Dedup dedup;

    AlertKind(String word, String phrase, Dedup dedup) {
        this.word = word;
        this.phrase = phrase;
        this.dedup = dedup;
    }

    /** The kind that a column or a route names; {@link #OTHER} for a word that only a user's route knows. */
    public static AlertKind of(String word) {
        return Arrays.stream(values())
                .filter(kind -> kind != OTHER && kind.word.equals(word))
                .findFirst()
                .orElse(OTHER);
    }

    /** The words of all kinds but {@link #OTHER}, in the order of the manual. */
    public static List<String> words() {
        return Arrays.stream(values())
                .filter(kind -> kind != OTHER)
                .map(AlertKind::word)
                .toList();
    }

    /** How the kind is named in a mail that is about another kind of the same callback. */
    public static String phrase(String word) {
        AlertKind kind = of(word);
        return kind == OTHER ? word : kind.phrase;
    }

    /** How routes, columns and settings name it; empty for {@link #OTHER}. */
    public String word() {
        return word;
    }

    /** How the templates of mails name it. */
    public String section() {
        return this == OTHER ? "other" : word;
    }

    /** Whether a stale callback raises it too, since what it reports is new to the task all the same. */
    public boolean isRaisedByStaleCallback() {
        return this == FLAGGED || this == UNKNOWN;
    }

    /** Whether it is mailed in digests only, never at once. */
    public boolean isDigestOnly() {
        return this == FLAGGED;
    }

    /** Whether its mails list the most frequent reasons and say how many tasks have completed since. */
    public boolean hasReasons() {
        return this == FAILED || this == UNKNOWN;
    }

    /** Whether it goes to every address of the settings, unless it has recipients of its own. */
    public boolean isForEverybody() {
        return this == UNDELIVERED;
    }

    public Dedup dedup() {
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
            case DAY -> Optional.of(word + " " + about + " " + DAY.format(now));
            case HOUR -> Optional.of(word + " " + about + " " + HOUR.format(now));
        };
    }
}
