package dev.callboard.provider;

import dev.callboard.db.Database;
import dev.callboard.db.SqlErrors;
import dev.callboard.provider.Lookup.Answer;
import dev.callboard.provider.Lookup.Result;
import dev.callboard.provider.LookupFailedException.Kind;
import dev.callboard.provider.OpenTasks.Lease;
import dev.callboard.provider.OpenTasks.Noted;
import dev.callboard.provider.OpenTasks.OpenTask;
import dev.callboard.provider.OpenTasks.Standing;
import dev.callboard.settings.Settings;
import dev.callboard.text.Causes;
import dev.callboard.text.SafeText;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code reconciler}: looks up tasks that are open, each provider on a thread of its own, until they end, and raises
 * the alert about those that are overdue. A provider is asked by its route {@code lookup-<provider>}; without one, or
 * without {@code callboard.<provider>.api-key}, its tasks are only told when they are overdue. Safe for use by any number of
 * threads.
 */
public final class Reconciler implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);

    /** How often a provider's tasks are looked for that are due. */
    private static final Duration INTERVAL = Duration.ofSeconds(1);

    /** What a process that was killed had leased is looked up by another one, or after its next start, only then. */
    private static final Duration LEASE_TIMEOUT = Duration.ofMinutes(1);

    /** No request begins later in a lease, so that the longest one ends within it, and its answer is recorded. */
    private static final Duration LEASE_USE = Duration.ofSeconds(20);

    /** An overdue task is told then, whether its provider could be asked or not. */
    private static final Duration OVERDUE_PATIENCE = Duration.ofMinutes(5);

    /** How long after the start overdue tasks are asked about before they are told. */
    private static final Duration PATIENCE_AT_START = Duration.ofMinutes(15);

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

    /** The ids that become part of a URL. */
    private static final Pattern SAFE_ID = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._~-]{0,199}");

    private static final int MAX_SHOWN = 300;

    private final CamelContext camel;
    private final ProducerTemplate producer;
    private final OpenTasks openTasks;
    private final LookupMetrics metrics;
    private final Clock clock;
    private final SortedMap<String, Worker> workers = new TreeMap<>();
    private final List<Thread> threads = new ArrayList<>();
    private final Object stopping = new Object();
    private boolean stopped;

    public Reconciler(
            CamelContext camel,
            Database database,
            Map<String, Settings.Provider> providers,
            LookupMetrics metrics,
            Clock clock) {
        this.camel = camel;
        this.producer = camel.createProducerTemplate();
        this.openTasks = new OpenTasks(database);
        this.metrics = metrics;
        this.clock = clock;
        providers.forEach((name, provider) -> workers.put(name, new Worker(name, provider.lookups())));
    }

    /** Begins to look up, once the routes have started. */
    public void start() {
        workers.forEach((name, worker) -> {
            Thread thread = new Thread(worker, "callboard-lookup-" + name);
            thread.setDaemon(true);
            threads.add(thread);
            thread.start();
        });
    }

    /** Counts the tasks that are open, for the metrics. */
    public void count() throws SQLException {
        metrics.update(openTasks.count());
    }

    /**
     * Which providers' tasks have not been looked up for {@link ProviderState#STUCK_AFTER}, or since a provider refuses the
     * key, and why; empty if none. A provider without a key is no fault.
     */
    public Optional<String> fault() {
        List<String> faults = new ArrayList<>();
        workers.forEach((name, worker) ->
                worker.fault().ifPresent(why -> faults.add("the tasks of " + name + " are not looked up: " + why)));
        return faults.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", faults));
    }

    /**
     * Looks up one task now, for {@code POST /tasks/{provider}/{taskId}/lookup}: replaces the body by what came of it, a
     * map; null if there is no such task.
     */
    public void lookUp(Exchange exchange) throws SQLException {
        String provider = exchange.getMessage().getHeader("provider", String.class);
        String taskId = exchange.getMessage().getHeader("taskId", String.class);
        Worker worker = workers.get(provider);
        exchange.getMessage().setBody(worker == null || taskId.indexOf('\0') >= 0 ? null : worker.lookUp(taskId));
    }

    /**
     * Waits for a moment until the threads have ended. No interrupt, since H2 closes its file when a thread is
     * interrupted in it.
     */
    @Override
    public void close() {
        synchronized (stopping) {
            stopped = true;
            stopping.notifyAll();
        }
        long end = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
        for (Thread thread : threads) {
            try {
                thread.join(Math.max(1, (end - System.nanoTime()) / 1_000_000));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /** Waits; returns whether the process stops. */
    private boolean sleep(Duration time) {
        long end = System.nanoTime() + time.toNanos();
        synchronized (stopping) {
            while (!stopped) {
                long left = (end - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    return false;
                }
                try {
                    stopping.wait(left);
                } catch (InterruptedException e) {
                    LOG.warn(
                            "ignored an interrupt thread={}",
                            Thread.currentThread().getName());
                }
            }
            return true;
        }
    }

    /** The look-ups of one provider. */
    private final class Worker implements Runnable {
        private final String provider;
        private final Settings.Lookups settings;
        private final RequestRate rate;
        private final ProviderState state = new ProviderState();
        private Instant begunAt;
        private Lease unfinished;
        private final AtomicReference<String> refusalToTell = new AtomicReference<>();

        Worker(String provider, Settings.Lookups settings) {
            this.provider = provider;
            this.settings = settings;
            this.rate = new RequestRate(settings.perSecond());
        }

        @Override
        public void run() {
            boolean waits = false;
            boolean more = false;
            while (!sleep(more ? Duration.ZERO : INTERVAL)) {
                more = false;
                try {
                    more = step();
                    waits = false;
                } catch (SQLException e) {
                    if (!waits) {
                        LOG.warn(
                                "look-ups wait for the database provider={} cause={}", provider, SqlErrors.describe(e));
                    }
                    waits = true;
                } catch (RuntimeException | Error e) {
                    LOG.error("look-ups failed provider={} cause=\"{}\"", provider, Causes.describe(e));
                }
            }
        }

        /** Looks up some of the tasks that are due, and tells what is overdue; returns whether more tasks are due. */
        private boolean step() throws SQLException {
            if (unfinished != null) {
                openTasks.release(provider, unfinished, ids(unfinished.tasks()));
                unfinished = null;
            }
            boolean more = false;
            if (canAsk()) {
                if (begunAt == null) {
                    begin();
                    begunAt = clock.instant();
                }
                openTasks.askAboutOverdue(provider, clock.instant());
                more = lookUpDue();
            }
            raiseRefused();
            raiseOverdue();
            return more;
        }

        private void raiseOverdue() throws SQLException {
            Instant now = clock.instant();
            Instant unaskedBefore = canAsk() ? unaskedBefore(now) : now;
            boolean more = true;
            while (more && !sleep(Duration.ZERO)) {
                more = openTasks.raiseOverdue(provider, now, unaskedBefore, this::overdueText) == OpenTasks.MAX_STEP;
            }
        }

        /** After a start, all that is open is asked about first. */
        private Instant unaskedBefore(Instant now) {
            boolean recentlyBegun = begunAt == null || now.isBefore(begunAt.plus(PATIENCE_AT_START));
            return recentlyBegun ? Instant.EPOCH : now.minus(OVERDUE_PATIENCE);
        }

        /** Callbacks may have been lost while Callboard did not run: all that is open is due, a little at a time. */
        private void begin() throws SQLException {
            openTasks.endForeignLeases(provider);
            Instant now = clock.instant();
            // Half of what the rate allows, so that other tasks are not kept waiting.
            long interval = Duration.ofSeconds(2).toNanos() / ((long) settings.perSecond() * settings.batch());
            int count =
                    openTasks.makeDue(provider, now.minus(settings.after()), place -> now.plusNanos(interval * place));
            if (count > 0) {
                LOG.info("looks up the tasks that are open provider={} count={}", provider, count);
            }
        }

        private boolean canAsk() {
            return setUpFault().isEmpty() && !state.isRefused();
        }

        /** What the settings or the routes lack; empty if tasks can be looked up. */
        private Optional<String> setUpFault() {
            if (camel.getRoute("lookup-" + provider) == null) {
                return Optional.of("there is no route lookup-" + provider);
            }
            if (settings.apiKey().isEmpty()) {
                return Optional.of("callboard." + provider + ".api-key is not set");
            }
            return Optional.empty();
        }

        Optional<String> fault() {
            return setUpFault().isPresent() ? Optional.empty() : state.fault(clock.instant());
        }

        /** Looks up the tasks of one lease; returns whether more may be due. */
        private boolean lookUpDue() throws SQLException {
            Instant now = clock.instant();
            if (state.isPaused(now)) {
                return false;
            }
            int max = Math.min(OpenTasks.MAX_STEP, Math.max(settings.batch(), settings.perSecond()));
            Lease lease = openTasks.lease(provider, now, now.plus(LEASE_TIMEOUT), max);
            // Until all is noted, so that an error of the database does not leave it leased.
            unfinished = lease;
            for (List<OpenTask> batch : batches(lease.tasks())) {
                lookUpInTime(lease, batch);
            }
            unfinished = null;
            return lease.tasks().size() == max;
        }

        /** Looks tasks up if the provider wants that, and the lease has time for it; otherwise they stay due. */
        private void lookUpInTime(Lease lease, List<OpenTask> batch) throws SQLException {
            Instant now = clock.instant();
            if (state.isPaused(now)
                    || now.isAfter(lease.beganAt().plus(LEASE_USE))
                    || sleep(rate.reserve(System.nanoTime()))) {
                openTasks.release(provider, lease, ids(batch));
            } else {
                lookUp(lease, batch);
            }
        }

        /** Of one family each, and not longer than a request may be. */
        private List<List<OpenTask>> batches(List<OpenTask> tasks) {
            Map<String, List<OpenTask>> byFamily = new LinkedHashMap<>();
            for (OpenTask task : tasks) {
                // Tasks of which no family is known belong together: the key is null then.
                byFamily.computeIfAbsent(task.family(), family -> new ArrayList<>())
                        .add(task);
            }
            List<List<OpenTask>> batches = new ArrayList<>();
            byFamily.values().forEach(family -> {
                for (int i = 0; i < family.size(); i += settings.batch()) {
                    batches.add(family.subList(i, Math.min(family.size(), i + settings.batch())));
                }
            });
            return batches;
        }

        private static List<String> ids(Collection<OpenTask> tasks) {
            return tasks.stream().map(OpenTask::taskId).toList();
        }

        private void lookUp(Lease lease, List<OpenTask> batch) throws SQLException {
            Lookup lookup = new Lookup(provider, ids(batch), clock.instant());
            try {
                ask(lookup, batch.get(0).family());
            } catch (LookupFailedException e) {
                if (e.kind() == Kind.THROTTLED || e.kind() == Kind.REFUSED) {
                    openTasks.release(provider, lease, ids(batch));
                    return;
                }
                if (e.isAboutTasks() && batch.size() > 1) {
                    // One of the tasks may be the reason.
                    int half = batch.size() / 2;
                    lookUpInTime(lease, batch.subList(0, half));
                    lookUpInTime(lease, batch.subList(half, batch.size()));
                    return;
                }
                lookup.answerRest(e.isAboutTasks() ? Result.UNKNOWN : Result.FAILED, e.getMessage());
            }
            Instant now = clock.instant();
            Map<String, Answer> answers = lookup.answers();
            openTasks.note(
                    provider,
                    lease,
                    batch.stream()
                            .collect(Collectors.toMap(
                                    OpenTask::taskId, task -> noted(task, answers.get(task.taskId()), now))),
                    now);
        }

        private Noted noted(OpenTask task, Answer answer, Instant now) {
            boolean answered = answer.result() != Result.FAILED;
            Optional<Instant> next = LookupSchedule.next(
                    task.lookups() + 1, now, settings.after(), task.openedAt(), settings.giveUpAfter());
            // A task is given up only after an answer.
            return new Noted(
                    text(answer),
                    answered,
                    next.isPresent() || answered ? next : Optional.of(now.plus(LookupSchedule.MAX_INTERVAL)));
        }

        private static String text(Answer answer) {
            return switch (answer.result()) {
                case CHANGED, UNCHANGED -> "the provider answers: " + answer.text();
                case UNKNOWN -> "the provider says nothing about it: " + answer.text();
                case FAILED -> "the provider could not be asked: " + answer.text();
            };
        }

        /**
         * Sends one request; afterwards the look-up has an answer about each task.
         *
         * @throws LookupFailedException if it has none
         */
        private void ask(Lookup lookup, String family) throws LookupFailedException {
            List<String> safe = lookup.asked().stream()
                    .filter(id -> SAFE_ID.matcher(id).matches())
                    .sorted()
                    .toList();
            lookup.asked().stream()
                    .filter(id -> !safe.contains(id))
                    .forEach(id -> lookup.answer(id, Result.UNKNOWN, "its id can't be part of a URL"));
            if (!safe.isEmpty()) {
                Exchange exchange = lookup.send(producer, family, safe);
                Optional<LookupFailedException> failure = failure(exchange);
                if (lookup.isReached()) {
                    state.succeed();
                }
                if (failure.isPresent() && !(failure.get().kind() == Kind.NOT_FOUND && safe.size() == 1)) {
                    metrics.count(provider, failure.get().kind().name());
                    onFailure(failure.get());
                    throw failure.get();
                }
                lookup.answerRest(
                        Result.UNKNOWN, failure.map(Throwable::getMessage).orElse("the answer does not have it"));
                lookup.answers()
                        .values()
                        .forEach(answer ->
                                metrics.count(provider, answer.result().name()));
            }
        }

        private Optional<LookupFailedException> failure(Exchange exchange) {
            Exception cause = exchange.getException();
            if (cause == null) {
                return Optional.empty();
            }
            Optional<LookupFailedException> known = Causes.find(cause, LookupFailedException.class);
            if (known.isPresent()) {
                return known;
            }
            LOG.debug("look-up failed provider={}", provider, cause);
            String root = Causes.root(cause).getClass().getSimpleName();
            return Optional.of(new LookupFailedException(Kind.UNAVAILABLE, "no answer (" + root + ")"));
        }

        private void onFailure(LookupFailedException failure) {
            if (failure.isAboutTasks()) {
                return;
            }
            if (state.fail(failure, clock.instant())) {
                String reason = "the API answered " + failure.getMessage();
                refusalToTell.set(reason);
                LOG.error(
                        "look-ups stopped provider={} reason=\"{}\" (correct callboard.{}.api-key and restart)",
                        provider,
                        reason,
                        provider);
            } else if (failure.kind() != Kind.REFUSED) {
                LOG.warn("look-ups paused provider={} reason=\"{}\"", provider, failure.getMessage());
            }
        }

        /** Raises the alert that the key is refused, and tries again later if the database does not take it. */
        private void raiseRefused() throws SQLException {
            String reason = refusalToTell.get();
            if (reason != null) {
                openTasks.raiseRefused(provider, reason, clock.instant());
                refusalToTell.compareAndSet(reason, null);
            }
        }

        private String overdueText(OpenTask task) {
            Optional<String> fault = setUpFault();
            if (fault.isPresent()) {
                return "the provider was not asked: " + fault.get();
            }
            if (state.isRefused()) {
                return "the provider was not asked: it refuses the API key";
            }
            return task.isAskedSinceOverdue()
                    ? task.lastAnswer()
                    : "the provider could not be asked: " + state.failure().orElse("no answer yet");
        }

        private Map<String, Object> lookUp(String taskId) throws SQLException {
            Optional<Standing> before = openTasks.standing(provider, taskId);
            if (before.isEmpty()) {
                return null;
            }
            Map<String, Object> result = new LinkedHashMap<>();
            result.put("provider", provider);
            result.put("taskId", taskId);
            Optional<String> fault = setUpFault().or(() -> state.pause(clock.instant()));
            if (fault.isPresent()) {
                result.put("result", "not_asked");
                result.put("answer", fault.get());
            } else {
                Lookup lookup = new Lookup(provider, List.of(taskId), clock.instant());
                try {
                    sleep(rate.reserve(System.nanoTime()));
                    ask(lookup, before.get().family());
                } catch (LookupFailedException e) {
                    lookup.answerRest(Result.FAILED, e.getMessage());
                }
                Answer answer = lookup.answers().get(taskId);
                result.put("result", answer.result().name().toLowerCase(Locale.ROOT));
                result.put("answer", SafeText.line(text(answer), MAX_SHOWN));
            }
            result.put("before", before.get().fields());
            openTasks.standing(provider, taskId).ifPresent(after -> result.put("after", after.fields()));
            return result;
        }
    }
}
