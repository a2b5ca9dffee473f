package dev.callboard.http;

import dev.callboard.settings.Settings;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * The connections to the public port: how many there may be, and how long each may take to send a request's headers, to
 * send its body and to lie idle between two. The limits are totals, so that a byte now and then holds nothing open.
 * HTTP/1 only: one request at a time on a connection. What concerns one connection runs on its event loop.
 */
final class ConnectionLimits {
    private static final long NONE = -1;

    /** Of all connections, so many at most may be those of strangers, who can't be let in. */
    private static final int STRANGERS_PART = 4;

    private final Vertx vertx;
    private final MeterRegistry meters;
    private final Predicate<String> isKnown;
    private final int most;
    private final long headerMillis;
    private final long bodyMillis;
    private final long idleMillis;
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicInteger strangers = new AtomicInteger();
    private final Map<HttpConnection, Deadline> deadlines = new ConcurrentHashMap<>();

    /** @param isKnown whether a peer's address is one that a route might let in */
    ConnectionLimits(Vertx vertx, Settings settings, MeterRegistry meters, Predicate<String> isKnown) {
        this.vertx = vertx;
        this.meters = meters;
        this.isKnown = isKnown;
        this.most = settings.http().maxConnections();
        this.headerMillis = settings.http().headerTimeout().toMillis();
        this.bodyMillis = settings.http().bodyTimeout().toMillis();
        this.idleMillis = settings.http().idleTimeout().toMillis();
        meters.gauge("callboard.http.connections", count);
    }

    /**
     * What one connection has to do next, and by when.
     *
     * @param response of the request that it is about, which is the same object for all who handle the request; null
     *     before the first
     * @param timer NONE while the request is with a route
     */
    private record Deadline(HttpServerResponse response, long timer) {}

    /** A connection was made. Beyond the limit the newest goes, since the others may be in the middle of a callback. */
    void opened(HttpConnection connection) {
        boolean stranger = !isKnown.test(connection.remoteAddress().hostAddress());
        boolean tooMany = count.incrementAndGet() > most;
        tooMany |= stranger && strangers.incrementAndGet() > Math.max(1, most / STRANGERS_PART);
        connection.closeHandler(closed -> {
            count.decrementAndGet();
            if (stranger) {
                strangers.decrementAndGet();
            }
            disarm(connection);
        });
        if (tooMany) {
            close(connection, "too_many");
        } else {
            arm(connection, null, headerMillis, () -> close(connection, "headers"));
        }
    }

    /** A request's headers are here. */
    void begun(HttpServerRequest request) {
        HttpConnection connection = request.connection();
        arm(connection, request.response(), bodyMillis, () -> late(request));
        request.end().onSuccess(ended -> {
            if (request.response().ended()) {
                idle(request);
            } else {
                disarm(connection);
                deadlines.put(connection, new Deadline(request.response(), NONE));
            }
        });
    }

    /** A request's answer is given, maybe before its body was here. */
    void answered(HttpServerRequest request) {
        if (request.isEnded()) {
            idle(request);
        }
    }

    private void idle(HttpServerRequest request) {
        HttpConnection connection = request.connection();
        Deadline now = deadlines.get(connection);
        // The next request may have begun, if it was sent before this one's answer.
        if (now == null || now.response() == request.response()) {
            arm(connection, request.response(), idleMillis, () -> close(connection, "idle"));
        }
    }

    private void late(HttpServerRequest request) {
        if (request.response().ended()) {
            close(request.connection(), "body");
        } else {
            request.response()
                    .setStatusCode(408)
                    .putHeader("Connection", "close")
                    .end()
                    .onComplete(told -> close(request.connection(), "body"));
        }
    }

    private void close(HttpConnection connection, String reason) {
        meters.counter("callboard.http.connections.closed", "reason", reason).increment();
        connection.close();
    }

    private void arm(HttpConnection connection, HttpServerResponse response, long millis, Runnable act) {
        disarm(connection);
        long timer = vertx.setTimer(millis, fired -> {
            deadlines.remove(connection);
            act.run();
        });
        deadlines.put(connection, new Deadline(response, timer));
    }

    private void disarm(HttpConnection connection) {
        Deadline deadline = deadlines.remove(connection);
        if (deadline != null && deadline.timer() != NONE) {
            vertx.cancelTimer(deadline.timer());
        }
    }
}
