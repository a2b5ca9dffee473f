package dev.callboard.event;

import dev.callboard.db.Database;
import dev.callboard.db.SqlErrors;
import dev.callboard.event.DeliveryFailedException.Kind;
import dev.callboard.event.EventStore.Attempt;
import dev.callboard.event.EventStore.Leased;
import dev.callboard.event.EventStore.Result;
import dev.callboard.text.Causes;
import dev.callboard.text.SafeText;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePattern;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.support.DefaultExchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code eventDelivery}: delivers events by the route {@code on-task-change} of the user or, without one, by {@code
 * send-webhook}. An event is delivered once the route returns, and attempted again later if it fails: at least once, those of
 * one task one after the other in their order, those of different tasks at the same time.
 *
 * <p>One thread leases events and records what came of them, in one transaction each time; a pool attempts them. Several
 * processes may share one PostgreSQL; their clocks may differ by less than {@link #LEASE}. Safe for use by any number of
 * threads.
 */
public final class EventDelivery implements AutoCloseable {
    /** For how long an attempt has an event for itself; renewed while it lasts. */
    static final Duration LEASE = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(EventDelivery.class);

    private static final String ROUTE = "on-task-change";
    private static final String SEND_WEBHOOK = "send-webhook";

    private static final int THREADS = Webhook.CONNECTIONS;

    /** How many events are leased at a time: some more than there are threads, so that none waits for the database. */
    private static final int MAX_IN_FLIGHT = 2 * THREADS;

    /** How often events are looked for that another process has recorded, or that are due again. */
    private static final Duration INTERVAL = Duration.ofMillis(500);

    private static final Duration RENEW_AFTER = Duration.ofSeconds(20);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration KEEP_DEAD = Duration.ofDays(30);
    private static final int MAX_ERROR = 500;
    private static final int MAX_SHOWN = 100;

    private final CamelContext camel;
    private final ProducerTemplate producer;
    private final Database database;
    private final EventLog eventLog;
    private final Webhook webhook;
    private final Duration giveUpAfter;
    private final Duration keep;
    private final EventMetrics metrics;
    private final Clock clock;

    private final ReceiverState receiver = new ReceiverState();
    private final ConcurrentLinkedQueue<Attempt> ended = new ConcurrentLinkedQueue<>();
    private final AtomicBoolean recovered = new AtomicBoolean();
    private final AtomicBoolean overdueToCheck = new AtomicBoolean();
    private final ThreadPoolExecutor threads;

    /** What is leased, and when the lease was made or renewed. Used by the thread that leases. */
    private final Map<Leased, Instant> inFlight = new HashMap<>();

    private final Object waiting = new Object();
    private boolean woken;
    private boolean stopped;
    private Thread thread;
    private boolean resumed;

    /** How long events are attempted and kept. */
    public record Times(Duration giveUpAfter, Duration keep) {}

    /** Delivers nothing unless the log is on. */
    public EventDelivery(
            CamelContext camel,
            Database database,
            EventLog eventLog,
            Webhook webhook,
            Times times,
            EventMetrics metrics,
            Clock clock) {
        this.camel = camel;
        this.producer = camel.createProducerTemplate();
        this.database = database;
        this.eventLog = eventLog;
        this.webhook = webhook;
        this.giveUpAfter = times.giveUpAfter();
        this.keep = times.keep();
        this.metrics = metrics;
        this.clock = clock;
        this.threads = new ThreadPoolExecutor(
                THREADS, THREADS, 1, TimeUnit.MINUTES, new LinkedBlockingQueue<>(), EventDelivery::thread);
        this.threads.allowCoreThreadTimeOut(true);
    }

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "callboard-event");
        thread.setDaemon(true);
        return thread;
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    /** Begins to deliver, once the routes have started; does nothing if nobody listens. */
    public void start() {
        if (!eventLog.isOn()) {
            return;
        }
        eventLog.onCommit(this::wake);
        thread = new Thread(this::run, "callboard-events");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Attempts nothing more, waits for a moment for what is under way, and gives the rest back. No interrupt, since H2 closes
     * its file when a thread is interrupted in it.
     */
    @Override
    public void close() {
        synchronized (waiting) {
            stopped = true;
            waiting.notifyAll();
        }
        if (thread == null) {
            threads.shutdown();
            return;
        }
        try {
            // First, since it hands events to the others.
            thread.join(CLOSE_TIMEOUT.toMillis());
            threads.shutdown();
            boolean unused = threads.awaitTermination(CLOSE_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        if (thread.isAlive()) {
            return;
        }
        try {
            step(0);
        } catch (SQLException e) {
            LOG.warn("delivered events not recorded cause={} (they are delivered again)", SqlErrors.describe(e));
        }
    }

    /** Looks for events at once. */
    private void wake() {
        synchronized (waiting) {
            woken = true;
            waiting.notifyAll();
        }
    }

    /** Waits until there may be something to do; returns whether the process stops. */
    private boolean sleep(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        synchronized (waiting) {
            while (!stopped && !woken) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    break;
                }
                try {
                    waiting.wait(left);
                } catch (InterruptedException e) {
                    LOG.warn(
                            "ignored an interrupt thread={}",
                            Thread.currentThread().getName());
                }
            }
            woken = false;
            return stopped;
        }
    }

    private boolean isStopped() {
        synchronized (waiting) {
            return stopped;
        }
    }

    private void run() {
        boolean waits = false;
        boolean more = true;
        while (!sleep(more ? Duration.ZERO : INTERVAL)) {
            more = false;
            try {
                resumeOnce();
                more = step(MAX_IN_FLIGHT);
                waits = false;
            } catch (SQLException e) {
                if (!waits && !SqlErrors.isRace(e)) {
                    LOG.warn("events wait for the database cause={}", SqlErrors.describe(e));
                    waits = true;
                }
            } catch (RuntimeException | Error e) {
                LOG.error("events failed cause=\"{}\"", Causes.describe(e));
            }
        }
    }

    /**
     * Makes due all that waits, since the settings may have been corrected. On H2, whose file one process holds alone, it also
     * ends the leases of the process before; on PostgreSQL they expire.
     */
    private void resumeOnce() throws SQLException {
        if (resumed) {
            return;
        }
        if (database.isH2()) {
            database.transact(connection -> {
                EventStore.releaseAll(connection, now());
                return null;
            });
        }
        makeAllDue();
        resumed = true;
    }

    private void makeAllDue() throws SQLException {
        Instant now = now();
        while (database.transact(connection -> EventStore.makeDue(connection, now)) == EventStore.MAX_STEP
                && !isStopped()) {
            LOG.debug("made events due");
        }
    }

    /**
     * Records what came of attempts, and leases more; returns whether there was something to do.
     *
     * @param max how many events may be in flight; with 0 nothing more is leased
     */
    private boolean step(int max) throws SQLException {
        if (recovered.get()) {
            makeAllDue();
            recovered.set(false);
        }
        if (overdueToCheck.get()) {
            giveUpOverdue();
            overdueToCheck.set(false);
        }
        List<Attempt> attempts = new ArrayList<>();
        for (Attempt attempt = ended.poll(); attempt != null; attempt = ended.poll()) {
            attempts.add(attempt);
        }
        Instant now = now();
        int room = max == 0 ? 0 : receiver.room(now, inFlight.size() - attempts.size(), max);
        boolean isProbe = receiver.isDown();
        List<Leased> toRenew = inFlight.entrySet().stream()
                .filter(entry -> entry.getValue().plus(RENEW_AFTER).isBefore(now))
                .map(Map.Entry::getKey)
                .toList();
        if (attempts.isEmpty() && room == 0 && toRenew.isEmpty()) {
            return false;
        }
        EventStore.Lease lease;
        try {
            lease = database.transact(connection -> {
                mark(connection, attempts, now);
                if (!toRenew.isEmpty()) {
                    EventStore.renew(connection, toRenew, now.plus(LEASE));
                }
                return room == 0 ? EventStore.Lease.NONE : EventStore.lease(connection, room, now, now.plus(LEASE));
            });
        } catch (SQLException e) {
            // Recorded with the next ones; if that takes longer than the lease, the events are delivered again.
            ended.addAll(attempts);
            throw e;
        }
        attempts.forEach(attempt -> inFlight.remove(attempt.event()));
        toRenew.forEach(event -> inFlight.computeIfPresent(event, (key, before) -> now));
        for (Result result : Result.values()) {
            metrics.count(result, (int) attempts.stream()
                    .filter(attempt -> attempt.result() == result)
                    .count());
        }
        lease.events().forEach(event -> {
            inFlight.put(event, now);
            threads.execute(() -> attempt(event, isProbe));
        });
        return !attempts.isEmpty() || !lease.events().isEmpty() || lease.putOff() > 0;
    }

    private void mark(Connection connection, List<Attempt> attempts, Instant now) throws SQLException {
        if (attempts.isEmpty()) {
            return;
        }
        int lost = EventStore.mark(connection, attempts, now);
        if (lost > 0) {
            LOG.warn("lost the lease of events count={} (they may arrive twice)", lost);
        }
        List<Attempt> dead = attempts.stream()
                .filter(attempt -> attempt.result() == Result.DEAD)
                .toList();
        if (!dead.isEmpty()) {
            Leased first = dead.get(0).event();
            raise(
                    connection,
                    first.task().provider(),
                    receiverName(),
                    "Events given up: " + dead.size() + ", the first is " + first.type() + " of "
                            + SafeText.line(first.task().taskId(), MAX_SHOWN) + "\nEvent: " + first.eventId(),
                    dead.get(0).error(),
                    now);
        }
    }

    private void raise(Connection connection, String provider, String about, String what, String error, Instant now)
            throws SQLException {
        String detail = "For: " + receiverName() + "\n" + what + "\nWhy: " + error
                + "\nTo send again: POST /events/{eventId}/retry, or POST /events/replay?since= with a time, on the"
                + " management port; GET /events?state=dead lists what was given up";
        EventStore.raiseUndelivered(connection, provider, about, detail, now);
    }

    private String receiverName() {
        return webhook.host().orElse("the route " + ROUTE);
    }

    /** While the receiver is down, most events are not attempted, and are given up all the same when their time is over. */
    private void giveUpOverdue() throws SQLException {
        Instant now = now();
        String error = "the receiver takes no events: " + receiver.why();
        int count = 0;
        int step;
        do {
            step = database.transact(connection -> EventStore.giveUp(connection, now.minus(giveUpAfter), error, now));
            count += step;
        } while (step == EventStore.MAX_STEP && !isStopped());
        if (count > 0) {
            metrics.count(Result.DEAD, count);
            LOG.error(
                    "events given up count={} error=\"{}\" (see GET /events?state=dead on the management port)",
                    count,
                    error);
            String what = "Events given up: " + count;
            database.transact(connection -> {
                // Of no provider; the column is not null.
                raise(connection, "events", receiverName(), what, error, now);
                return null;
            });
        }
    }

    // On a thread of the pool

    private void attempt(Leased event, boolean isProbe) {
        try {
            ended.add(
                    isStopped() || !receiver.permits(now(), isProbe)
                            ? new Attempt(event, Result.RELEASED, null, now())
                            : result(event, isProbe));
        } catch (RuntimeException | Error e) {
            LOG.error("event failed event={} cause=\"{}\"", event.eventId(), Causes.describe(e));
            ended.add(failed(
                    event, isProbe, new DeliveryFailedException(Kind.UNAVAILABLE, "an internal error (see the log)")));
        }
        wake();
    }

    private Attempt result(Leased event, boolean isProbe) {
        try {
            deliver(event);
        } catch (DeliveryFailedException e) {
            return failed(event, isProbe, e);
        } catch (SQLException e) {
            LOG.debug("event not read cause={}", SqlErrors.describe(e));
            return new Attempt(event, Result.RELEASED, null, now().plus(INTERVAL));
        }
        if (receiver.succeed()) {
            recovered.set(true);
            LOG.info("events are delivered again receiver={}", receiverName());
        }
        LOG.debug("delivered event={} type={}", event.eventId(), event.type());
        return new Attempt(event, Result.DELIVERED, null, null);
    }

    private void deliver(Leased event) throws DeliveryFailedException, SQLException {
        String data = event.data();
        if (data == null) {
            data = database.run(connection -> EventStore.data(connection, event.position()))
                    .orElse(null);
        }
        if (data == null) {
            // It was deleted meanwhile.
            return;
        }
        String route = camel.getRoute(ROUTE) != null ? ROUTE : SEND_WEBHOOK;
        if (route.equals(SEND_WEBHOOK) && webhook.host().isEmpty()) {
            throw new DeliveryFailedException(
                    Kind.UNAVAILABLE, "there is neither a route " + ROUTE + " nor callboard.events.url");
        }
        Exchange exchange = new DefaultExchange(camel, ExchangePattern.InOut);
        Envelope.data(data).forEach((name, value) -> {
            if (value != null) {
                exchange.setVariable(name, value);
            }
        });
        exchange.setVariable("eventId", event.eventId().toString());
        exchange.setVariable("eventType", event.type());
        exchange.getMessage().setBody(data);
        Exception failure = producer.send("direct:" + route, exchange).getException();
        if (failure != null) {
            throw failure(route, failure);
        }
    }

    private static DeliveryFailedException failure(String route, Exception failure) {
        Optional<DeliveryFailedException> known = Causes.find(failure, DeliveryFailedException.class);
        if (known.isPresent()) {
            return known.get();
        }
        Throwable root = Causes.root(failure);
        LOG.debug("event not delivered route={}", route, failure);
        // Messages of libraries may quote URLs and bodies.
        String message = root instanceof IllegalArgumentException ? ": " + root.getMessage() : "";
        return new DeliveryFailedException(
                Kind.UNAVAILABLE,
                SafeText.line(
                        "the route " + route + " failed (" + root.getClass().getSimpleName() + message + ")",
                        MAX_ERROR));
    }

    private Attempt failed(Leased event, boolean isProbe, DeliveryFailedException failure) {
        Instant now = now();
        String error = SafeText.storable(failure.getMessage(), MAX_ERROR);
        ReceiverState.Change change = receiver.fail(event.task().toString(), isProbe, failure, now);
        if (isProbe) {
            overdueToCheck.set(true);
        }
        switch (change) {
            case GONE -> {
                LOG.error(
                        "events stopped receiver={} error=\"{}\" (the receiver says that it is gone for good; correct"
                                + " callboard.events.url and restart)",
                        receiverName(),
                        error);
                raiseGone(event, error, now);
            }
            case DOWN ->
                LOG.warn(
                        "events paused receiver={} error=\"{}\" (one is attempted at a time until the receiver takes it)",
                        receiverName(),
                        error);
            case PAUSED ->
                LOG.warn("events paused receiver={} error=\"{}\" (as the receiver asks)", receiverName(), error);
            case NONE -> {
                // Its own line follows.
            }
        }
        if (failure.kind() == Kind.GONE) {
            return new Attempt(event, Result.FAILED, error, now);
        }
        Optional<Instant> next = DeliverySchedule.next(
                event.attempts() + 1,
                now,
                event.pendingSince(),
                giveUpAfter,
                ThreadLocalRandom.current().nextDouble());
        if (next.isEmpty()) {
            LOG.error(
                    "event given up event={} type={} provider={} task=\"{}\" attempt={} error=\"{}\" (POST /events/{}/retry on"
                            + " the management port sends it again)",
                    event.eventId(),
                    event.type(),
                    event.task().provider(),
                    quoted(event.task().taskId()),
                    event.attempts() + 1,
                    quoted(error),
                    event.eventId());
            return new Attempt(event, Result.DEAD, error, null);
        }
        Instant at = failure.retryAfter().map(now::plus).orElse(next.get());
        LOG.warn(
                "event not delivered event={} type={} provider={} task=\"{}\" attempt={} next-attempt={} error=\"{}\"",
                event.eventId(),
                event.type(),
                event.task().provider(),
                quoted(event.task().taskId()),
                event.attempts() + 1,
                at,
                quoted(error));
        return new Attempt(event, Result.FAILED, error, at.truncatedTo(ChronoUnit.MICROS));
    }

    private static String quoted(String text) {
        return SafeText.line(text, MAX_ERROR).replace('"', '\'');
    }

    private void raiseGone(Leased event, String error, Instant now) {
        try {
            database.transact(connection -> {
                raise(
                        connection,
                        event.task().provider(),
                        "gone " + receiverName(),
                        "Events are stopped until Callboard is restarted",
                        error,
                        now);
                return null;
            });
        } catch (SQLException e) {
            LOG.error("alert not raised kind=undelivered cause={}", SqlErrors.describe(e));
        }
    }

    // For the management port, the metrics and the retention

    /** Why events have not been delivered for some time; empty if they are, or need not be. */
    public Optional<String> fault() {
        return receiver.fault(clock.instant()).map(why -> "events are not delivered: " + why);
    }

    /** Counts the events that are pending, for the metrics. */
    public void count() throws SQLException {
        metrics.update(database.run(EventStore::countPending));
    }

    /** Deletes events that are over and have been kept for long enough. */
    public void deleteExpired() throws SQLException {
        Instant now = now();
        delete("delivered", now.minus(keep));
        delete("dead", now.minus(giveUpAfter).minus(KEEP_DEAD));
    }

    private void delete(String state, Instant endedBefore) throws SQLException {
        int count = 0;
        int step;
        do {
            step = database.transact(connection -> EventStore.delete(connection, state, endedBefore));
            count += step;
        } while (step == EventStore.MAX_STEP);
        if (count > 0) {
            LOG.info("deleted expired events state={} count={} ended-before={}", state, count, endedBefore);
        }
    }

    /**
     * For {@code POST /events/{id}/retry}: makes the event of the header {@code eventId} pending and due, under the same id,
     * and replaces the body by its state; by null if there is no such event.
     */
    public void retry(Exchange exchange) throws SQLException {
        String id = exchange.getMessage().getHeader("eventId", String.class);
        Optional<UUID> eventId = uuid(id);
        Instant now = now();
        boolean found = eventId.isPresent()
                && database.transactDurably(connection -> EventStore.retry(connection, eventId.get(), now));
        if (!found) {
            exchange.getMessage().setBody(null);
            return;
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("eventId", eventId.get().toString());
        answer.put("state", "pending");
        exchange.getMessage().setBody(answer);
        wake();
    }

    private static Optional<UUID> uuid(String text) {
        try {
            // Shorter forms are read too, and would be another way to write an id.
            return Optional.of(UUID.fromString(text))
                    .filter(uuid -> uuid.toString().equalsIgnoreCase(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /**
     * For {@code POST /events/replay}: makes all events pending and due that are over and were created since a time, under the
     * same ids and in the same order; returns how many.
     */
    public Map<String, Object> replay(Instant since) throws SQLException {
        Instant now = now();
        int count = 0;
        List<Long> step = List.of(-1L);
        while (!step.isEmpty()) {
            long after = step.get(step.size() - 1);
            List<Long> changed = new ArrayList<>();
            step = database.transactDurably(connection -> EventStore.replay(connection, after, since, now, changed));
            count += changed.size();
            wake();
        }
        return Map.of("events", count);
    }
}
