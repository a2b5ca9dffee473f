package dev.callboard.task;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.NoArgGenerator;
import dev.callboard.text.SafeText;
import dev.callboard.text.Sha256;
import java.sql.Timestamp;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.camel.Exchange;

/**
 * The bean of the route {@code record-task}: takes what a route says of a callback from the exchange's variables and
 * has the {@link TaskStore} write it down, by way of {@link GroupCommit}. Other fields than the task's id and status never stop a callback: what has the
 * wrong type is left out, what is too long is cut. Safe for any number of threads.
 */
public final class TaskRecorder {
    /** How far ahead of our clock a provider's may be; a later time is not believed. */
    static final Duration MAX_AHEAD = Duration.ofMinutes(10);

    private static final int ID = 200;
    private static final int REASON = 4000;
    private static final int DETAIL = 1000;
    private static final Instant EARLIEST = Instant.EPOCH;

    private final NoArgGenerator ids = Generators.timeBasedEpochGenerator();
    private final GroupCommit groupCommit;
    private final CallbackMetrics meters;
    private final Clock clock;

    public TaskRecorder(GroupCommit groupCommit, CallbackMetrics meters, Clock clock) {
        this.groupCommit = groupCommit;
        this.meters = meters;
        this.clock = clock;
    }

    /**
     * Writes down what the variables say and returns when it is durable.
     *
     * @throws NotRecordedException if the database did not commit
     * @throws RejectedByDatabaseException if the database refuses what is in it
     * @throws IllegalArgumentException if a route did not set what it must, or set a word that has no meaning
     */
    public void record(Exchange exchange) throws NotRecordedException, RejectedByDatabaseException {
        Callback callback = callback(exchange::getVariable);
        try {
            meters.count(callback.provider(), became(groupCommit.record(callback)));
        } catch (NotRecordedException e) {
            meters.count(callback.provider(), CallbackMetrics.Became.NOT_RECORDED);
            throw e;
        } catch (RejectedByDatabaseException e) {
            meters.count(callback.provider(), CallbackMetrics.Became.REFUSED_BY_DATABASE);
            throw e;
        }
    }

    private static CallbackMetrics.Became became(TaskStore.Effect effect) {
        return switch (effect) {
            case MOVED -> CallbackMetrics.Became.MOVED;
            case OUT_OF_DATE -> CallbackMetrics.Became.OUT_OF_DATE;
            case REPEATED -> CallbackMetrics.Became.REPEATED;
        };
    }

    Callback callback(Function<String, Object> variables) {
        Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
        String payload = SafeText.storable(required(variables, "payload"), Integer.MAX_VALUE);
        String origin = variables.apply("origin") == null ? Callback.DIRECT : required(variables, "origin");
        Outcome outcome = Outcome.of(required(variables, "outcome"));
        return new Callback(
                ids.generate(),
                identity(variables, "provider", 50),
                identity(variables, "taskId", ID),
                SafeText.storable(required(variables, "status"), ID),
                outcome,
                words(text(variables.apply("alert"), 200)),
                text(variables.apply("taskType"), ID),
                text(variables.apply("businessId"), ID),
                text(variables.apply("sourceTaskId"), ID),
                text(variables.apply("regenType"), ID),
                outcome == Outcome.FAILED ? text(variables.apply("failureReason"), REASON) : null,
                details(variables.apply("details")),
                time(variables.apply("occurredAt"), now),
                results(variables.apply("results")),
                payload,
                Sha256.of(payload),
                text(variables.apply("sourceAddress"), 50),
                origin,
                origin.equals(Callback.REPLAY) ? receivedAt(variables.apply("receivedAt")) : now);
    }

    private static String required(Function<String, Object> variables, String name) {
        String value = String.valueOf(variables.apply(name));
        if (value.isEmpty() || variables.apply(name) == null) {
            throw new IllegalArgumentException("the variable " + name + " is not set");
        }
        return value;
    }

    /** A part of a task's key: it can't be cut or mended without becoming another task's. */
    private static String identity(Function<String, Object> variables, String name, int most) {
        String value = required(variables, name);
        if (value.length() > most || !value.equals(SafeText.storable(value, most))) {
            throw new IllegalArgumentException("the variable " + name + " is longer than " + most
                    + " characters or has a character that can't be stored; a schema should have refused it");
        }
        return value;
    }

    /** A field as text; null for what is absent, blank, or neither text nor number nor truth value. */
    private static String text(Object value, int most) {
        if (value instanceof CharSequence || value instanceof Number || value instanceof Boolean) {
            String text = SafeText.storable(value.toString(), most);
            return text.isBlank() ? null : text;
        }
        return null;
    }

    private static Map<String, String> details(Object value) {
        Map<String, String> details = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> given) {
            given.forEach((label, detail) -> {
                String text = text(detail, DETAIL);
                if (text != null) {
                    details.put(SafeText.storable(String.valueOf(label), ID), text);
                }
            });
        }
        return details;
    }

    private static List<String> words(String commaSeparated) {
        if (commaSeparated == null) {
            return List.of();
        }
        return Stream.of(commaSeparated.split(",", -1))
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .toList();
    }

    private static Instant time(Object value, Instant now) {
        String text = text(value, ID);
        if (text == null) {
            return null;
        }
        try {
            Instant time = OffsetDateTime.parse(text.strip()).toInstant().truncatedTo(ChronoUnit.MICROS);
            return time.isBefore(EARLIEST) || time.isAfter(now.plus(MAX_AHEAD)) ? null : time;
        } catch (DateTimeException e) {
            return null;
        }
    }

    /** When a replayed callback first reached us, as the database's driver gives it. */
    private static Instant receivedAt(Object value) {
        return value instanceof Timestamp time ? time.toInstant() : ((OffsetDateTime) value).toInstant();
    }

    private static List<Callback.Result> results(Object value) {
        List<Callback.Result> results = new ArrayList<>();
        if (value instanceof List<?> list) {
            for (Object entry : list) {
                if (entry instanceof Map<?, ?> fields && text(fields.get("url"), Integer.MAX_VALUE) != null) {
                    results.add(new Callback.Result(
                            "video".equals(fields.get("kind")) ? "video" : "image",
                            text(fields.get("url"), Integer.MAX_VALUE),
                            text(fields.get("externalId"), ID),
                            text(fields.get("templateId"), ID),
                            Boolean.TRUE.equals(fields.get("flagged")) || "true".equals(fields.get("flagged"))));
                }
            }
        }
        return results;
    }
}
