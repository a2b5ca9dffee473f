package dev.callboard.http;

import dev.callboard.http.ConnectionTimeouts.CloseReason;
import dev.callboard.settings.Settings;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.apache.camel.Exchange;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much the public port takes at a time: connections, bodies in memory, and requests in the routes. A connection
 * beyond its limit is closed. A request beyond a limit is answered 503 with Retry-After, and counted, since no provider
 * promises to send a callback again. How slowly a connection may send is limited by {@link ConnectionTimeouts}.
 *
 * <p>Each limit is a semaphore of its own, because neither Vert.x nor Camel has an option for it: Vert.x accepts any
 * number of connections, and requests that find no free worker thread wait in a queue without a limit. Safe for use by
 * any number of threads.
 */
final class AdmissionControl {
    private static final Logger LOG = LoggerFactory.getLogger(AdmissionControl.class);
    private static final Duration LOG_INTERVAL = Duration.ofMinutes(1);
    private static final String RETRY_AFTER_SECONDS = "5";

    /** Clients that no route admits have this part of all connections. */
    private static final int UNKNOWN_SHARE = 4;

    /** Why a request was answered 503, as in the metric's label. */
    private enum Unavailable {
        IN_FLIGHT,
        MEMORY,
        STARTING,
        STOPPING;

        private final String code = name().toLowerCase(Locale.ROOT);
    }

    private final Clock clock;
    private final int maxInFlight;
    private final Predicate<String> mayAdmitPeer;
    private final ConnectionTimeouts timeouts;
    private final BodyMemory memory;
    private final Semaphore connections;
    private final Semaphore unknownConnections;
    private final Semaphore requests;
    /**
     * The requests in flight, so that each releases its permit once: a fast worker thread can be done before {@link
     * #enterRoute} looks whether the route was reached at all.
     */
    private final Set<HttpServerRequest> inFlight = ConcurrentHashMap.newKeySet();

    private final Map<Unavailable, Counter> unavailable = new EnumMap<>(Unavailable.class);
    private final AtomicReference<Instant> nextLogLine = new AtomicReference<>(Instant.MIN);

    /** Why no request reaches the routes; empty while they do. */
    private volatile Optional<Unavailable> closed = Optional.of(Unavailable.STARTING);

    /**
     * @param heapBytes the bytes that the JVM may use
     * @param mayAdmitPeer whether a connection from this address can carry a request that a route admits
     */
    AdmissionControl(
            Vertx vertx,
            Settings settings,
            long heapBytes,
            Predicate<String> mayAdmitPeer,
            Clock clock,
            MeterRegistry meters) {
        int maxConnections = settings.http().maxConnections();
        this.maxInFlight = settings.http().maxInFlight();
        int maxBodyBytes = settings.http().maxBodyBytes();
        this.clock = clock;
        this.mayAdmitPeer = mayAdmitPeer;
        this.timeouts = new ConnectionTimeouts(vertx, settings, meters);
        this.memory = new BodyMemory(heapBytes, maxBodyBytes);
        this.connections = new Semaphore(maxConnections);
        this.unknownConnections = new Semaphore(Math.max(1, maxConnections / UNKNOWN_SHARE));
        this.requests = new Semaphore(maxInFlight);
        for (Unavailable reason : Unavailable.values()) {
            unavailable.put(reason, meters.counter("callboard.http.unavailable", "reason", reason.code));
        }
        meters.gauge("callboard.http.connections", connections, free -> maxConnections - free.availablePermits());
        meters.gauge("callboard.http.in.flight", requests, free -> maxInFlight - free.availablePermits());
    }

    /** From now on requests reach the routes. */
    void open() {
        closed = Optional.empty();
    }

    /** From now on no further request reaches the routes. */
    void close() {
        closed = Optional.of(Unavailable.STOPPING);
    }

    /** Takes a new connection or closes it. Beyond the limit the newest is closed: others may be sending a callback. */
    void onConnection(HttpConnection connection) {
        boolean unknown = !mayAdmitPeer.test(connection.remoteAddress().hostAddress());
        if (unknown && !unknownConnections.tryAcquire()) {
            timeouts.close(connection, CloseReason.TOO_MANY);
        } else if (!connections.tryAcquire()) {
            release(unknown);
            timeouts.close(connection, CloseReason.TOO_MANY);
        } else {
            timeouts.onOpen(connection);
            connection.closeHandler(closed -> {
                timeouts.onClose(connection);
                connections.release();
                release(unknown);
            });
        }
    }

    private void release(boolean unknown) {
        if (unknown) {
            unknownConnections.release();
        }
    }

    /**
     * Takes a request whose headers have been read.
     *
     * @return false if it was answered 503
     */
    boolean onRequest(HttpServerRequest request) {
        timeouts.onRequest(request);
        return !answerIfClosed(request.response());
    }

    /**
     * Answers 503 if no request may reach the routes, and has the client connect anew, so that it may find another node.
     *
     * @return whether it has answered
     */
    boolean answerIfClosed(HttpServerResponse response) {
        Optional<Unavailable> reason = closed;
        reason.ifPresent(why -> {
            response.putHeader("Connection", "close");
            answer(response, why, "the routes are " + why.code);
        });
        return reason.isPresent();
    }

    void onResponse(HttpServerRequest request) {
        timeouts.onResponse(request);
    }

    /** Has the body of a request read if there is memory for it, or else answers 503. */
    void readBody(RoutingContext context, Handler<RoutingContext> reader) {
        int reserved = memory.reserve(contentLength(context.request()));
        if (reserved == 0) {
            context.response().putHeader("Connection", "close");
            answer(
                    context.response(),
                    Unavailable.MEMORY,
                    "bodies take their share of the heap; raise Java's -Xmx if this happens often");
        } else {
            context.addEndHandler(ended -> memory.release(reserved));
            reader.handle(context);
        }
    }

    /** The Content-Length, which Netty has checked; -1 if there is none. */
    private static long contentLength(HttpServerRequest request) {
        String length = request.getHeader("Content-Length");
        return length == null ? -1 : Long.parseLong(length);
    }

    /**
     * Passes a request on to its route, or answers 503. It is in flight from when its body has been read, so that a slow
     * sender does not count, until its route has ended, even if the client has gone by then: it still takes a thread.
     * Called on the event loop.
     */
    void enterRoute(RoutingContext context) {
        if (answerIfClosed(context.response())) {
            return;
        }
        if (!requests.tryAcquire()) {
            answer(
                    context.response(),
                    Unavailable.IN_FLIGHT,
                    maxInFlight + " requests are in flight; raise callboard.http.max-in-flight if this happens often");
            return;
        }
        inFlight.add(context.request());
        context.next();
        // If it has failed or was answered by now, it may never have reached the route, which would release the permit.
        if (context.failed() || context.response().ended()) {
            leaveRoute(context.request());
        }
    }

    private void leaveRoute(HttpServerRequest request) {
        if (inFlight.remove(request)) {
            requests.release();
        }
    }

    /** The processor of a route, which begins when there is memory and after which its request is no longer in flight. */
    Processor limited(Processor route) {
        return exchange -> {
            HttpServerRequest request = exchange.getIn(HttpMessage.class).getRequest();
            try {
                memory.handle(request.bytesRead(), route, exchange);
            } finally {
                leaveRoute(request);
            }
        };
    }

    /** @param hint for the log, which has one line a minute */
    private void answer(HttpServerResponse response, Unavailable reason, String hint) {
        unavailable.get(reason).increment();
        response.setStatusCode(503)
                .putHeader("Retry-After", RETRY_AFTER_SECONDS)
                .end();
        Instant now = clock.instant();
        Instant next = nextLogLine.get();
        if (!now.isBefore(next) && nextLogLine.compareAndSet(next, now.plus(LOG_INTERVAL))) {
            LOG.warn("answered 503 reason={} ({}; the provider may not send a callback again)", reason.code, hint);
        }
    }

    /**
     * How much of the heap bodies take. Two limits, both in bytes as sent: what is read or waits for a route, beyond which a
     * request is answered 503; and what the routes handle at a time, beyond which a request waits for others to finish.
     * Callbacks of the usual few kilobytes reach neither limit. {@code BodyHandler} limits one body, not the sum of all.
     * Safe for use by any number of threads.
     */
    static final class BodyMemory {
        /** An eighth of the heap for bodies as they were sent. */
        private static final int READ_SHARE = 8;

        /** A route needs up to fifty times the size of a body, if that is a list of many small values. */
        private static final int ROUTED_SHARE = 100;

        private final int maxBodyBytes;
        private final int maxRoutedBytes;
        private final Semaphore read;
        private final Semaphore routed;

        /**
         * @param heapBytes the bytes that the JVM may use
         * @param maxBodyBytes the length of the longest body that is read; one such body always fits
         */
        BodyMemory(long heapBytes, int maxBodyBytes) {
            this.maxBodyBytes = maxBodyBytes;
            this.maxRoutedBytes = share(heapBytes, ROUTED_SHARE);
            this.read = new Semaphore(share(heapBytes, READ_SHARE));
            this.routed = new Semaphore(maxRoutedBytes);
        }

        /** At most 2 GiB, which is as far as a semaphore counts. */
        private int share(long heapBytes, int part) {
            return (int) Math.max(maxBodyBytes, Math.min(Integer.MAX_VALUE, heapBytes / part));
        }

        /**
         * Reserves memory for a body before it is read.
         *
         * @param contentLength the length that the request announces, or -1 if it announces none
         * @return the bytes to give back with {@link #release}; 0 if there is no room now
         */
        int reserve(long contentLength) {
            int bytes = contentLength < 0 ? maxBodyBytes : (int) Math.max(1, Math.min(contentLength, maxBodyBytes));
            return read.tryAcquire(bytes) ? bytes : 0;
        }

        void release(int bytes) {
            read.release(bytes);
        }

        /**
         * Processes an exchange by its route as soon as there is memory for a body of this length.
         *
         * @param bodyBytes the length of the body as it was read
         */
        void handle(long bodyBytes, Processor route, Exchange exchange) throws Exception {
            int bytes = (int) Math.min(bodyBytes, maxRoutedBytes);
            routed.acquire(bytes);
            try {
                route.process(exchange);
            } finally {
                routed.release(bytes);
            }
        }
    }
}
