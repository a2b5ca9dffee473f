package dev.callboard.http;

import dev.callboard.http.ConnectionTimeouts.CloseReason;
import dev.callboard.settings.Settings;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;
import java.io.IOException;
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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much the public port takes at a time: connections, bodies in memory, and requests in the routes. A connection
 * beyond its limit is closed. A request beyond a limit is answered 503 with Retry-After, and counted, since no provider
 * promises to send a callback again. How slowly a connection may send is limited by {@link ConnectionTimeouts}.
 *
 * <p>A request that is not admitted is answered on the event loop. All that it can hold is its connection, and only a
 * part of all connections may be held in this way.
 *
 * <p>Each limit is a semaphore of its own, because neither Vert.x nor Camel has an option for it: Vert.x accepts any
 * number of connections, and requests that find no free worker wait in a queue without a limit. Safe for use by
 * any number of threads.
 */
final class AdmissionControl {
    private static final Logger LOG = LoggerFactory.getLogger(AdmissionControl.class);
    private static final Duration LOG_INTERVAL = Duration.ofMinutes(1);
    /** The name under which a request has its {@link BodyReader}. */
    private static final String BODY_READER = BodyReader.class.getName();

    private static final String RETRY_AFTER_SECONDS = "5";

    /**
     * Clients that no route admits have this part of all connections, and so have, on connections of peers that may send
     * requests of others, such as trusted proxies, those whose latest request was not admitted.
     */
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
    private final int maxBodyBytes;
    private final Predicate<HttpConnection> mayAdmit;
    private final ConnectionTimeouts timeouts;
    private final BodyMemory memory;
    private final Semaphore connections;
    private final Semaphore unknownConnections;
    private final int maxNotAdmitted;
    /** The connections whose latest request was not admitted. */
    private final Set<HttpConnection> notAdmitted = ConcurrentHashMap.newKeySet();

    private final Semaphore requests;
    /**
     * The requests in flight, each with the memory that is reserved for its body, so that each gives back both once: a fast
     * worker thread can be done before {@link #enterRoute} looks whether the route was reached at all.
     */
    private final Map<HttpServerRequest, Integer> inFlight = new ConcurrentHashMap<>();

    private final Map<Unavailable, Counter> unavailable = new EnumMap<>(Unavailable.class);
    private final AtomicReference<Instant> nextLogLine = new AtomicReference<>(Instant.MIN);

    /** Why no request reaches the routes; empty while they do. */
    private volatile Optional<Unavailable> closed = Optional.of(Unavailable.STARTING);

    /**
     * @param heapBytes the bytes that the JVM may use
     * @param mayAdmit whether a connection can carry a request that a route admits
     */
    AdmissionControl(
            Vertx vertx,
            Settings settings,
            long heapBytes,
            Predicate<HttpConnection> mayAdmit,
            Clock clock,
            MeterRegistry meters) {
        int maxConnections = settings.http().maxConnections();
        this.maxInFlight = settings.http().maxInFlight();
        this.maxBodyBytes = settings.http().maxBodyBytes();
        this.clock = clock;
        this.mayAdmit = mayAdmit;
        this.timeouts = new ConnectionTimeouts(vertx, settings, meters);
        this.memory = new BodyMemory(heapBytes, maxBodyBytes);
        this.connections = new Semaphore(maxConnections);
        this.maxNotAdmitted = Math.max(1, maxConnections / UNKNOWN_SHARE);
        this.unknownConnections = new Semaphore(maxNotAdmitted);
        this.requests = new Semaphore(maxInFlight);
        for (Unavailable reason : Unavailable.values()) {
            unavailable.put(reason, meters.counter("callboard.http.unavailable", "reason", reason.code));
        }
        meters.gauge("callboard.http.connections", connections, free -> maxConnections - free.availablePermits());
        meters.gauge("callboard.http.in.flight", this, AdmissionControl::inFlight);
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
        boolean unknown = !mayAdmit.test(connection);
        if (unknown && !unknownConnections.tryAcquire()) {
            timeouts.close(connection, CloseReason.TOO_MANY);
        } else if (!connections.tryAcquire()) {
            release(unknown);
            timeouts.close(connection, CloseReason.TOO_MANY);
        } else {
            timeouts.onOpen(connection);
            // Vert.x would log each request that is not HTTP/1.1.
            connection.exceptionHandler(failure -> {});
            connection.closeHandler(closed -> {
                timeouts.onClose(connection);
                notAdmitted.remove(connection);
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
        notAdmitted.remove(request.connection());
        if (!answerIfClosed(request.response())) {
            return true;
        }
        timeouts.onResponse(request);
        return false;
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

    /**
     * The answer to a request that is not admitted begins. Its connection may stay open for the next request, and for a
     * body, which is not read; or it is closed if too many are open for such a reason.
     */
    void onNotAdmitted(RoutingContext context) {
        HttpConnection connection = context.request().connection();
        if (notAdmitted.size() < maxNotAdmitted) {
            notAdmitted.add(connection);
        } else {
            context.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
            context.addEndHandler(ended -> timeouts.close(connection, CloseReason.TOO_MANY));
        }
    }

    /** Reads the body of a request, or answers 413 or 417, or 503 if there is no memory for it. */
    void readBody(RoutingContext context) {
        HttpServerRequest request = context.request();
        String expect = request.getHeader(HttpHeaders.EXPECT);
        if (contentLength(request) > maxBodyBytes) {
            context.fail(413);
        } else if (expect != null && !HttpHeaders.CONTINUE.toString().equalsIgnoreCase(expect)) {
            context.fail(417);
        } else {
            if (expect != null && request.version() == HttpVersion.HTTP_1_1) {
                context.response().writeContinue();
            }
            BodyReader reader = new BodyReader(context);
            context.put(BODY_READER, reader);
            context.addEndHandler(ended -> reader.close());
            request.handler(reader::read).exceptionHandler(reader::fail).endHandler(read -> reader.end());
        }
    }

    /** The Content-Length, which Netty has checked; -1 if there is none. */
    private static long contentLength(HttpServerRequest request) {
        String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
        return length == null ? -1 : Long.parseLong(length);
    }

    /**
     * Reads the body of one request into memory that is reserved as the parts arrive. It is given back when the request was
     * answered or its connection is closed, or, once the request is in flight, when its route has ended: a route holds the
     * body even if the client has gone. The {@code BodyHandler} of Vert.x limits the length of one body, but cannot be
     * asked before it takes a part. On the connection's event loop.
     */
    private final class BodyReader {
        private final RoutingContext context;
        private final Buffer body = Buffer.buffer();
        private int reserved;
        private boolean closed;

        BodyReader(RoutingContext context) {
            this.context = context;
        }

        void read(Buffer part) {
            if (closed) {
                return;
            }
            if (body.length() + part.length() > maxBodyBytes) {
                context.fail(413);
            } else if (memory.reserve(part.length())) {
                reserved += part.length();
                body.appendBuffer(part);
            } else {
                context.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
                answer(
                        context.response(),
                        Unavailable.MEMORY,
                        "bodies take their share of the heap; raise Java's -Xmx if this happens often");
            }
        }

        void end() {
            if (!closed) {
                ((RoutingContextInternal) context).setBody(body);
                context.next();
            }
        }

        /** The connection is closed, or what follows is no chunk; then Vert.x closes it when this returns. */
        void fail(Throwable failure) {
            if (!(failure instanceof IOException || failure instanceof HttpClosedException)) {
                context.fail(400);
                ((ConnectionBase) context.request().connection()).flush();
            }
        }

        void close() {
            closed = true;
            memory.release(handOver());
        }

        /** Leaves it to another to give back the memory that is reserved; returns how many bytes that is. */
        int handOver() {
            int bytes = reserved;
            reserved = 0;
            return bytes;
        }
    }

    /**
     * Passes a request on to its route, or answers 503. It is in flight from when its body has been read, so that a slow
     * sender does not count, until its route has ended, even if the client has gone by then: the route still holds the body.
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
        BodyReader reader = context.get(BODY_READER);
        inFlight.put(context.request(), reader == null ? 0 : reader.handOver());
        context.next();
        // If it has failed or was answered by now, it may never have reached the route, which would release the permit.
        if (context.failed() || context.response().ended()) {
            leaveRoute(context.request());
        }
    }

    private void leaveRoute(HttpServerRequest request) {
        Integer bodyBytes = inFlight.remove(request);
        if (bodyBytes != null) {
            memory.release(bodyBytes);
            requests.release();
        }
    }

    /**
     * Waits until there is memory for the route of a request.
     *
     * @return to be run when the route has ended: then the request is no longer in flight
     */
    Runnable startRoute(HttpServerRequest request) {
        int bytes = memory.acquireForRoute(request.bytesRead());
        return () -> {
            memory.releaseFromRoute(bytes);
            leaveRoute(request);
        };
    }

    /** How many requests are in flight. */
    int inFlight() {
        return maxInFlight - requests.availablePermits();
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
         * Reserves memory for a part of a body that has arrived.
         *
         * @return whether there is room for it; if so, it is to be given back with {@link #release}
         */
        boolean reserve(int bytes) {
            return read.tryAcquire(bytes);
        }

        void release(int bytes) {
            read.release(bytes);
        }

        /**
         * Waits until there is memory for a route with a body of this length.
         *
         * @param bodyBytes the length of the body as it was read
         * @return how many bytes are to be given back with {@link #releaseFromRoute}
         */
        int acquireForRoute(long bodyBytes) {
            int bytes = (int) Math.min(bodyBytes, maxRoutedBytes);
            routed.acquireUninterruptibly(bytes);
            return bytes;
        }

        void releaseFromRoute(int bytes) {
            routed.release(bytes);
        }
    }
}
