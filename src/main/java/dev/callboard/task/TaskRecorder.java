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
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.support.AsyncProcessorSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The processor {@code taskRecorder} of the route {@code record-task}: records the callback that an exchange's variables
 * describe. A callback is never rejected for an optional field: a value of the wrong type is dropped, a text that is too
 * long for its column is cut, and what no database stores is replaced. Lengths are in UTF-16 units. Safe for use by any
 * number of threads.
 */
public final class TaskRecorder extends AsyncProcessorSupport {
    private static final Logger LOG = LoggerFactory.getLogger(TaskRecorder.class);

    /** How far a provider's clock may be ahead of ours; a time beyond that is dropped. */
    static final Duration MAX_CLOCK_SKEW = Duration.ofMinutes(10);

    private static final int MAX_PROVIDER = 50;
    private static final int MAX_ID = 200;
    private static final int MAX_FAMILY = 50;
    private static final int MAX_FAILURE_REASON = 4000;
    private static final int MAX_DETAIL = 1000;
    private static final int MAX_CLIENT_ADDRESS = 50;
    private static final int MAX_WORD = 50;
    private static final int MAX_LOGGED = 200;
    private static final int UNLIMITED = Integer.MAX_VALUE;
    private static final Instant EARLIEST_TIME = Instant.EPOCH;

    /** In milliseconds since 1970: in 2001. A smaller number is one of seconds. */
    private static final long MIN_MILLIS = 1_000_000_000_000L;

    /** UUIDs that begin with the time, so that new rows go to the end of the index. */
    private final NoArgGenerator ids = Generators.timeBasedEpochGenerator();

    private final GroupCommit groupCommit;
    private final CallbackMetrics metrics;
    private final UnrecordedTasks unrecorded;
    private final Set<String> alertKinds;
    private final Clock clock;
    private final Executor answers;

    /**
     * @param unrecorded takes the tasks of callbacks that the database did not commit
     * @param alertKinds the codes of all kinds of alerts that a route may set
     * @param answers runs the rest of each route, once its callback is recorded; not one that callbacks wait for before
     */
    public TaskRecorder(
            GroupCommit groupCommit,
            CallbackMetrics metrics,
            UnrecordedTasks unrecorded,
            Set<String> alertKinds,
            Clock clock,
            Executor answers) {
        this.answers = answers;
        this.unrecorded = unrecorded;
        this.groupCommit = groupCommit;
        this.metrics = metrics;
        this.alertKinds = alertKinds;
        this.clock = clock;
    }

    /**
     * Records the callback. The exchange goes on, on another thread, when the callback survives the loss of the process
     * and of power. If it can't be recorded, the exchange has an exception: {@link NotRecordedException} if the
     * database did not commit, {@link RejectedByDatabaseException} if the database rejects its content, {@link
     * IllegalArgumentException} if a route did not set a required variable, or set an invalid value.
     */
    @Override
    public boolean process(Exchange exchange, AsyncCallback then) {
        Receipt receipt = Receipt.of(exchange);
        Callback callback;
        try {
            callback = callback(exchange.getVariables()::get);
        } catch (RuntimeException e) {
            receipt.fail(e);
            exchange.setException(e);
            then.done(true);
            return true;
        }
        var unused = groupCommit
                .record(callback)
                .whenComplete((result, failure) -> answers.execute(() -> {
                    if (failure == null) {
                        count(callback, result);
                        if (callback.origin() == Origin.LOOKUP) {
                            exchange.setVariable("recorded", result.isApplied());
                        }
                        receipt.record();
                    } else {
                        Exception cause = cause(failure);
                        count(callback, cause);
                        receipt.fail(cause);
                        exchange.setException(cause);
                    }
                    goOn(exchange, then);
                }));
        return false;
    }

    /** Nobody but the exchange's unit of work is told of an {@link Error} in a later step: Camel catches none. */
    private static void goOn(Exchange exchange, AsyncCallback then) {
        try {
            then.done(false);
        } catch (Throwable e) {
            exchange.setException(e);
            exchange.getUnitOfWork().done(exchange);
        }
    }

    private static Exception cause(Throwable failure) {
        return (Exception) (failure instanceof CompletionException ? failure.getCause() : failure);
    }

    private void count(Callback callback, RecordResult result) {
        metrics.count(callback, result);
        if (callback.outcome() == Outcome.FAILED && result.isApplied()) {
            logFailure(callback);
        }
    }

    private void count(Callback callback, Exception failure) {
        if (callback.origin() == Origin.LOOKUP) {
            // The provider is asked again, later.
            return;
        }
        if (failure instanceof NotRecordedException) {
            metrics.count(callback.provider(), CallbackMetrics.Result.UNAVAILABLE);
            unrecorded.add(callback);
        } else if (failure instanceof RejectedByDatabaseException) {
            metrics.count(callback.provider(), CallbackMetrics.Result.ERROR);
        }
    }

    private static void logFailure(Callback callback) {
        LOG.warn(
                "failed task provider={} task=\"{}\" status=\"{}\" reason=\"{}\"",
                callback.provider(),
                quoted(callback.taskId()),
                quoted(callback.status()),
                quoted(Objects.toString(callback.failureReason(), "")));
    }

    private static String quoted(String text) {
        return SafeText.line(text, MAX_LOGGED).replace('"', '\'');
    }

    /**
     * Makes sure that an exchange is recorded, for the route that answers 200.
     *
     * @throws Exception if it is not: why recording failed, or {@link UnrecordedCallbackException} if no step tried to
     */
    public void requireRecorded(Exchange exchange) throws Exception {
        Receipt receipt = Receipt.of(exchange);
        if (!receipt.isRecorded()) {
            throw receipt.failure("the route " + exchange.getFromRouteId());
        }
    }

    /**
     * The callback that the variables describe.
     *
     * @throws IllegalArgumentException if a required variable is not set, or has an invalid value
     */
    Callback callback(Function<String, Object> variables) {
        Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
        String payload = SafeText.storable(required(variables, "payload"), UNLIMITED);
        Origin origin = variables.apply("origin") == null ? Origin.CALLBACK : Origin.of(required(variables, "origin"));
        Instant receivedAt = origin != Origin.CALLBACK ? receivedAt(variables.apply("receivedAt")) : now;
        Outcome outcome = Outcome.of(required(variables, "outcome"));
        return new Callback(
                ids.generate(),
                identity(variables, "provider", MAX_PROVIDER),
                identity(variables, "taskId", MAX_ID),
                SafeText.storable(required(variables, "status"), MAX_ID),
                outcome,
                alerts(variables.apply("alert")),
                text(variables.apply("taskType"), MAX_ID),
                text(variables.apply("family"), MAX_FAMILY),
                text(variables.apply("businessId"), MAX_ID),
                text(variables.apply("sourceTaskId"), MAX_ID),
                text(variables.apply("regenType"), MAX_ID),
                outcome == Outcome.FAILED ? text(variables.apply("failureReason"), MAX_FAILURE_REASON) : null,
                details(variables.apply("details")),
                occurredAt(variables.apply("occurredAt"), receivedAt),
                results(variables.apply("results")),
                payload,
                Sha256.of(payload),
                text(variables.apply("clientAddress"), MAX_CLIENT_ADDRESS),
                origin,
                receivedAt,
                now);
    }

    private static String required(Function<String, Object> variables, String name) {
        Object value = variables.apply(name);
        if (value == null || value.toString().isEmpty()) {
            throw new IllegalArgumentException("the variable " + name + " is not set");
        }
        return value.toString();
    }

    /** A part of the task's key: if it were cut or cleaned, it would be the key of another task. */
    private static String identity(Function<String, Object> variables, String name, int maxLength) {
        String value = required(variables, name);
        if (value.length() > maxLength || !value.equals(SafeText.storable(value, maxLength))) {
            throw new IllegalArgumentException("the variable " + name + " is longer than " + maxLength
                    + " characters or has a character that can't be stored; a schema should have rejected it");
        }
        return value;
    }

    private static String text(Object value, int maxLength) {
        return SafeText.field(value, maxLength);
    }

    private static Map<String, String> details(Object value) {
        Map<String, String> details = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> given) {
            given.forEach((label, detail) -> {
                String text = text(detail, MAX_DETAIL);
                if (text != null) {
                    details.put(SafeText.storable(String.valueOf(label), MAX_ID), text);
                }
            });
        }
        return details;
    }

    /** A word of a route, which can only be a mistake if it is unknown: the callback then means something else. */
    private static String word(String variable, String value, Collection<String> allowed) {
        if (!allowed.contains(value)) {
            throw new IllegalArgumentException("the variable " + variable + " is '" + SafeText.line(value, MAX_WORD)
                    + "', which is none of " + String.join(", ", allowed));
        }
        return value;
    }

    private List<String> alerts(Object commaSeparated) {
        String codes = Objects.toString(commaSeparated, "");
        if (codes.isEmpty()) {
            return List.of();
        }
        return Stream.of(codes.split(",", -1))
                .map(String::strip)
                .filter(code -> !code.isEmpty())
                .map(code -> word("alert", code, alertKinds))
                .distinct()
                .toList();
    }

    /**
     * The provider's time: a text in ISO 8601 with an offset, or a number of milliseconds since 1970 (Fotor's). Null if it
     * is neither, is from before 1970 (a number: from before September 2001), or is too far after the reception.
     */
    private static Instant occurredAt(Object value, Instant receivedAt) {
        Instant time = value instanceof Long millis ? ofMillis(millis) : ofText(text(value, MAX_ID));
        return time == null || time.isBefore(EARLIEST_TIME) || time.isAfter(receivedAt.plus(MAX_CLOCK_SKEW))
                ? null
                : time;
    }

    private static Instant ofMillis(long millis) {
        return millis < MIN_MILLIS ? null : Instant.ofEpochMilli(millis);
    }

    private static Instant ofText(String text) {
        try {
            return text == null
                    ? null
                    : OffsetDateTime.parse(text.strip()).toInstant().truncatedTo(ChronoUnit.MICROS);
        } catch (DateTimeException e) {
            return null;
        }
    }

    /**
     * When a replayed callback was first received, or when the provider was asked, in the class that the database's
     * driver uses.
     */
    private static Instant receivedAt(Object value) {
        return value instanceof Timestamp time ? time.toInstant() : ((OffsetDateTime) value).toInstant();
    }

    private static List<Callback.Result> results(Object value) {
        List<Callback.Result> results = new ArrayList<>();
        if (value instanceof List<?> list) {
            for (Object entry : list) {
                if (entry instanceof Map<?, ?> fields && text(fields.get("url"), UNLIMITED) != null) {
                    results.add(new Callback.Result(
                            fields.get("kind") == null
                                    ? ResultKind.IMAGE.code()
                                    : word("kind", fields.get("kind").toString(), ResultKind.codes()),
                            text(fields.get("url"), UNLIMITED),
                            text(fields.get("externalId"), MAX_ID),
                            text(fields.get("templateId"), MAX_ID),
                            Boolean.TRUE.equals(fields.get("flagged")) || "true".equals(fields.get("flagged"))));
                }
            }
        }
        return results;
    }
}
