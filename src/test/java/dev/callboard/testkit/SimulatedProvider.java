package dev.callboard.testkit;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.PfxOptions;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * A provider's look-up API on a free port of loopback, over HTTP/1.1. It stores tasks in memory; a test moves them on,
 * takes the callbacks that the provider would send, and makes the API misbehave. Safe for any number of threads.
 */
public abstract class SimulatedProvider implements AutoCloseable {
    /** A request, parsed: the tasks asked for, all of one family. */
    protected record Lookup(String family, List<String> taskIds, boolean bulk) {}

    protected record Answer(int status, String body) {}

    protected record Statuses(String started, String inProgress, String completed, String failed) {}

    protected static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> CREDENTIALS = List.of("Authorization", "X-API-ID", "X-API-KEY");

    final Vertx vertx = Vertx.vertx(new VertxOptions()
            .setEventLoopPoolSize(1)
            .setWorkerPoolSize(1)
            .setFileSystemOptions(
                    new FileSystemOptions().setClassPathResolvingEnabled(false).setFileCachingEnabled(false)));
    private final HttpServer server;
    private final HttpServer elsewhereServer;
    private final boolean encrypted;

    private final Clock clock;
    private final Map<String, SimulatedTask> tasks = new ConcurrentHashMap<>();
    private final ReceivedRequests requests = new ReceivedRequests();
    private final ReceivedRequests elsewhere = new ReceivedRequests();
    private final AtomicInteger abandoned = new AtomicInteger();

    private final Map<String, Fault> faultsOfTasks = new ConcurrentHashMap<>();
    private final Deque<Fault> nextFaults = new ArrayDeque<>();
    private Fault lastingFault;

    /** @param clock of the times in bodies */
    protected SimulatedProvider(Clock clock) {
        this(clock, new HttpServerOptions());
    }

    /** Over TLS, with this certificate. */
    protected SimulatedProvider(Certificates certificate) {
        this(
                Clock.systemUTC(),
                new HttpServerOptions()
                        .setSsl(true)
                        .setKeyCertOptions(new PfxOptions()
                                .setPath(certificate.file.toString())
                                .setPassword(Certificates.PASSWORD)));
    }

    private SimulatedProvider(Clock clock, HttpServerOptions options) {
        this.clock = clock;
        this.encrypted = options.isSsl();
        this.server = listen(options, this::handle);
        this.elsewhereServer = listen(new HttpServerOptions(), this::handleElsewhere);
    }

    private HttpServer listen(HttpServerOptions options, Handler<HttpServerRequest> handler) {
        return vertx.createHttpServer(options.setHttp2ClearTextEnabled(false).setUseAlpn(false))
                .requestHandler(handler)
                .listen(0, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .join();
    }

    /** The base URL, without a slash at the end. */
    public final String url() {
        return (encrypted ? "https://localhost:" : "http://127.0.0.1:") + server.actualPort();
    }

    final String elsewhereUrl() {
        return "http://127.0.0.1:" + elsewhereServer.actualPort();
    }

    // Tasks

    /** A new task with an id of the provider's form. */
    public final SimulatedTask start(String type) {
        return start(type, newId());
    }

    /** A new task with this id, which replaces an older one. */
    public final SimulatedTask start(String type, String id) {
        Instant now = now();
        SimulatedTask task =
                new SimulatedTask(id, type, statuses(type, List.of()).started(), null, List.of(), false, now, now);
        put(task);
        return task;
    }

    /** Stores a task as it is. */
    public final void put(SimulatedTask task) {
        tasks.put(task.id(), task);
    }

    /** Forgets a task. */
    public final void remove(String id) {
        tasks.remove(id);
    }

    public final SimulatedTask task(String id) {
        SimulatedTask task = tasks.get(id);
        if (task == null) {
            throw new IllegalArgumentException("no task " + id);
        }
        return task;
    }

    public final SimulatedTask progress(String id) {
        return change(
                id,
                task -> task.with(statuses(task.type(), task.urls()).inProgress(), null, task.urls(), task.flagged()));
    }

    /** Completes a task and adds results to those that it has. */
    public final SimulatedTask complete(String id, String... urls) {
        return change(id, task -> {
            List<String> all =
                    Stream.concat(task.urls().stream(), Stream.of(urls)).toList();
            return task.with(statuses(task.type(), all).completed(), null, all, task.flagged());
        });
    }

    /** Fails a task; the reason may be null. */
    public final SimulatedTask fail(String id, String reason) {
        return change(
                id,
                task -> task.with(statuses(task.type(), task.urls()).failed(), reason, task.urls(), task.flagged()));
    }

    /** Gives a task any status, such as {@code rejected}. */
    public final SimulatedTask move(String id, String status) {
        return change(id, task -> task.with(status, task.reason(), task.urls(), task.flagged()));
    }

    /** Changes a task and its update time. */
    public final SimulatedTask change(String id, UnaryOperator<SimulatedTask> change) {
        return tasks.compute(id, (key, task) -> {
            if (task == null) {
                throw new IllegalArgumentException("no task " + id);
            }
            return change.apply(task).withUpdatedAt(now());
        });
    }

    private Instant now() {
        return clock.instant().truncatedTo(ChronoUnit.MICROS);
    }

    /** The body of the callback that the provider would send now. */
    public final String callback(String id) {
        return callback(task(id));
    }

    /** The body that a look-up of this task would be answered with now. */
    public final String lookup(String id) {
        return answer(new Lookup(task(id).type(), List.of(id), false)).body();
    }

    /** The task that a look-up finds, or null. */
    protected final SimulatedTask find(String id) {
        return tasks.get(id);
    }

    // Faults

    /** From now on all requests are answered so. */
    public final synchronized void misbehave(Fault fault) {
        lastingFault = fault;
    }

    /** The next requests are answered so, before a fault that lasts. */
    public final synchronized void misbehave(int times, Fault fault) {
        for (int i = 0; i < times; i++) {
            nextFaults.add(fault);
        }
    }

    /** From now on requests for this task, alone or with others, are answered so, before any other fault. */
    public final void misbehaveFor(String taskId, Fault fault) {
        faultsOfTasks.put(taskId, fault);
    }

    /** Ends all faults. Answers that have begun are not changed. */
    public final synchronized void behave() {
        lastingFault = null;
        nextFaults.clear();
        faultsOfTasks.clear();
    }

    private synchronized Fault nextFault() {
        return nextFaults.isEmpty() ? lastingFault : nextFaults.remove();
    }

    // Requests

    public final ReceivedRequests requests() {
        return requests;
    }

    /** The requests to the host that {@link Fault#redirect()} names; it answers without looking at credentials. */
    public final ReceivedRequests elsewhere() {
        return elsewhere;
    }

    /** How many requests the client gave up: it closed the connection before the answer ended. */
    public final int abandoned() {
        return abandoned.get();
    }

    private void handle(HttpServerRequest request) {
        Lookup lookup = parse(request);
        List<String> ids = record(requests, request, lookup);
        request.response().closeHandler(ignored -> abandoned.incrementAndGet());

        Answer good = isAdmitted(request) ? answer(request, lookup) : error(401);
        String faulty =
                ids.stream().filter(faultsOfTasks::containsKey).findFirst().orElse(null);
        Fault fault = faulty == null ? nextFault() : faultsOfTasks.get(faulty);
        Fault.Exchange exchange = new Fault.Exchange(this, request, faulty == null ? ids : List.of(faulty), good);
        if (fault == null) {
            exchange.answer(good);
        } else {
            fault.answer(exchange);
        }
    }

    private void handleElsewhere(HttpServerRequest request) {
        Lookup lookup = parse(request);
        List<String> ids = record(elsewhere, request, lookup);
        new Fault.Exchange(this, request, ids, null).answer(answer(request, lookup));
    }

    private static List<String> record(ReceivedRequests requests, HttpServerRequest request, Lookup lookup) {
        List<String> ids = lookup == null ? List.of() : lookup.taskIds();
        List<String> credentials = CREDENTIALS.stream()
                .flatMap(name -> request.headers().getAll(name).stream().map(value -> name + ": " + value))
                .toList();
        requests.add(request.path(), ids, credentials, System.nanoTime());
        return ids;
    }

    private Answer answer(HttpServerRequest request, Lookup lookup) {
        if (lookup == null) {
            return error(404);
        }
        return request.method().name().equals("GET") ? answer(lookup) : error(405);
    }

    // What differs between providers

    /** An id of the provider's form that no task has. */
    protected abstract String newId();

    /** The statuses of a type, with these results. */
    protected abstract Statuses statuses(String type, List<String> urls);

    protected abstract String callback(SimulatedTask task);

    /** The tasks that a request asks for; null if its path is none of the API's. */
    protected abstract Lookup parse(HttpServerRequest request);

    protected abstract boolean isAdmitted(HttpServerRequest request);

    protected abstract Answer answer(Lookup lookup);

    protected abstract Answer error(int status);

    @Override
    public final void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
