package dev.callboard.alert;

import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A kind of alerts, with its rules: which callbacks raise it, how often, and how it is mailed. The built-in kinds are
 * constants. A user declares another one with {@code callboard.alerts.kind.<kind>.to}; it is raised once for each
 * revision of a task, by a callback that is applied. Immutable.
 */
public final class AlertKind {
    /** The provider says that a task has failed. */
    public static final AlertKind FAILED = new AlertKind("failed", "failed", Dedup.REVISION, Rule.HAS_REASONS);

    /** A task is completed, but its callback names no file. */
    public static final AlertKind NO_RESULT = new AlertKind("no_result", "without a file", Dedup.REVISION);

    /** A task is completed, but a part of its result is missing or has failed. */
    public static final AlertKind INCOMPLETE = new AlertKind("incomplete", "with parts missing", Dedup.REVISION);

    /** A task is completed, and the provider marks its result as harmful or sensitive. */
    public static final AlertKind FLAGGED = new AlertKind(
            "flagged", "marked as harmful or sensitive", Dedup.REVISION, Rule.RAISED_BY_STALE, Rule.DIGEST_ONLY);

    /** A callback has a status that its route does not handle. */
    public static final AlertKind UNKNOWN =
            new AlertKind("unknown", "with an unknown status", Dedup.DAY, Rule.RAISED_BY_STALE, Rule.HAS_REASONS);

    /** Callers were rejected. */
    public static final AlertKind REFUSED = new AlertKind("refused", "rejected callers", Dedup.DAY);

    /** A callback was invalid, or could not be recorded. */
    public static final AlertKind MALFORMED = new AlertKind("malformed", "an invalid callback", Dedup.HOUR);

    /** The quarantine deleted callbacks of a provider, since newer ones exceeded its limits. */
    public static final AlertKind QUARANTINE_FULL =
            new AlertKind("quarantine_full", "callbacks deleted from the quarantine", Dedup.DAY);

    /** A mail server has rejected a recipient of another mail for good. */
    public static final AlertKind UNDELIVERED =
            new AlertKind("undelivered", "an undeliverable mail", Dedup.DAY, Rule.FOR_ALL_RECIPIENTS);

    /** A task has been in progress, or expected, for longer than it should. Raised once a task, by no callback. */
    public static final AlertKind OVERDUE = new AlertKind("overdue", "overdue", Dedup.REVISION, Rule.HAS_REASONS);

    /** A look-up found that a task is finished, which no callback had announced. */
    public static final AlertKind MISSED =
            new AlertKind("missed", "found by asking the provider", Dedup.REVISION, Rule.DAILY);

    /** A provider does not accept the API key, so that its tasks are not looked up. */
    public static final AlertKind LOOKUP_REFUSED = new AlertKind("lookup_refused", "look-ups refused", Dedup.REVISION);

    /** In the order of the manual. */
    private static final List<AlertKind> BUILT_IN = List.of(
            FAILED,
            NO_RESULT,
            INCOMPLETE,
            FLAGGED,
            UNKNOWN,
            OVERDUE,
            MISSED,
            MALFORMED,
            REFUSED,
            LOOKUP_REFUSED,
            QUARANTINE_FULL,
            UNDELIVERED);

    private static final Map<String, AlertKind> BY_CODE =
            BUILT_IN.stream().collect(Collectors.toMap(AlertKind::code, Function.identity()));

    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("yyyy-MM-dd").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter HOUR =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH").withZone(ZoneOffset.UTC);

    /** How often an alert about the same thing is raised. */
    enum Dedup {
        /** Once for each revision of a task. */
        REVISION,
        /** Once a day, in UTC. */
        DAY,
        /** Once an hour. */
        HOUR
    }

    /** In what a kind differs from the others. */
    private enum Rule {
        RAISED_BY_STALE,
        DIGEST_ONLY,
        DAILY,
        HAS_REASONS,
        FOR_ALL_RECIPIENTS
    }

    private final String code;
    private final String phrase;
    private final Dedup dedup;
    private final List<Rule> rules;

    private AlertKind(String code, String phrase, Dedup dedup, Rule... rules) {
        this.code = code;
        this.phrase = phrase;
        this.dedup = dedup;
        this.rules = List.of(rules);
    }

    /** The kind that a column, a setting or a route names: a built-in one, or else a declared one. */
    public static AlertKind of(String code) {
        AlertKind builtIn = BY_CODE.get(code);
        return builtIn == null ? new AlertKind(code, code.replace('_', ' '), Dedup.REVISION) : builtIn;
    }

    /** The codes of the built-in kinds, in the order of the manual. */
    public static List<String> codes() {
        return BUILT_IN.stream().map(AlertKind::code).toList();
    }

    /** The name in routes, columns and settings. */
    public String code() {
        return code;
    }

    /** How the kind is named in a mail that is about another kind of the same callback; of a declared one, in its own. */
    public String phrase() {
        return phrase;
    }

    /** How the templates of mails name it. */
    public String section() {
        return BY_CODE.containsKey(code) ? code : "other";
    }

    /** Whether a stale callback raises it too, since what it reports is new to the task all the same. */
    public boolean isRaisedByStaleCallback() {
        return rules.contains(Rule.RAISED_BY_STALE);
    }

    /** Whether it is mailed in digests only, never at once. */
    boolean isDigestOnly() {
        return rules.contains(Rule.DIGEST_ONLY);
    }

    /** Whether it is mailed in digests only, once a day at most. */
    boolean isDaily() {
        return rules.contains(Rule.DAILY);
    }

    /** Whether its mails list the most frequent reasons and say how many tasks have completed since. */
    boolean hasReasons() {
        return rules.contains(Rule.HAS_REASONS);
    }

    /** Whether it is mailed to every address of the settings, unless it has recipients of its own. */
    boolean isForAllRecipients() {
        return rules.contains(Rule.FOR_ALL_RECIPIENTS);
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

    @Override
    public String toString() {
        return code;
    }
}
