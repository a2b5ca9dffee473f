package dev.callboard.http;

import dev.callboard.settings.Settings;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How long a connection may take to send the headers of a request, to send its body, and to stay open between two
 * requests. Each timeout is a total, so that a client that sends a byte now and then holds nothing open. No option of
 * Vert.x does the same: {@code idleTimeout} is one value for all three, starts again with each part of a body, and, like
 * {@code TimeoutHandler}, also runs while a route works on a request. HTTP/1 only: a connection has one request at a
 * time. The methods for a connection are called on its event loop.
 */
final class ConnectionTimeouts {
    /** Why a connection was closed, as in the metric's label. */
    enum CloseReason {
        TOO_MANY,
        HEADERS,
        BODY,
        IDLE
    }

    private static final long NO_TIMER = -1;

    private final Vertx vertx;
    private final long headerMillis;
    private final long bodyMillis;
    private final long idleMillis;
    private final Map<CloseReason, Counter> closed = new EnumMap<>(CloseReason.class);
    private final Map<HttpConnection, State> states = new ConcurrentHashMap<>();

    ConnectionTimeouts(Vertx vertx, Settings settings, MeterRegistry meters) {
        this.vertx = vertx;
        this.headerMillis = settings.http().headerTimeout().toMillis();
        this.bodyMillis = settings.http().bodyTimeout().toMillis();
        this.idleMillis = settings.http().idleTimeout().toMillis();
        for (CloseReason reason : CloseReason.values()) {
            closed.put(
                    reason,
                    meters.counter(
                            "callboard.http.connections.closed",
                            "reason",
                            reason.name().toLowerCase(Locale.ROOT)));
        }
    }

    /** One open connection. */
    private static final class State {
        /** Of the newest request. Unlike the request, it is the same object for all who handle that request. */
        private HttpServerResponse response;

        /** NO_TIMER while a route handles a request. */
        private long timer = NO_TIMER;
    }

    /** A connection was opened, and now has to send the headers of its first request. */
    void onOpen(HttpConnection connection) {
        State state = new State();
        states.put(connection, state);
        start(state, headerMillis, () -> close(connection, CloseReason.HEADERS));
    }

    void onClose(HttpConnection connection) {
        State state = states.remove(connection);
        if (state != null) {
            stop(state);
        }
    }

    /** The headers of a request have been read, and its body has to follow. */
    void onRequest(HttpServerRequest request) {
        State state = states.get(request.connection());
        if (state == null) {
            return;
        }
        state.response = request.response();
        start(state, bodyMillis, () -> answerLateBody(request));
        request.end().onSuccess(read -> {
            if (request.response().ended()) {
                startIdle(request);
            } else {
                stop(state);
            }
        });
    }

    /** A request was answered, maybe before its body was read. */
    void onResponse(HttpServerRequest request) {
        if (request.isEnded()) {
            startIdle(request);
        }
    }

    private void startIdle(HttpServerRequest request) {
        HttpConnection connection = request.connection();
        State state = states.get(connection);
        // A pipelined request may have begun already.
        if (state != null && state.response == request.response()) {
            start(state, idleMillis, () -> close(connection, CloseReason.IDLE));
        }
    }

    private void answerLateBody(HttpServerRequest request) {
        if (request.response().ended()) {
            close(request.connection(), CloseReason.BODY);
        } else {
            request.response()
                    .setStatusCode(408)
                    .putHeader("Connection", "close")
                    .end()
                    .onComplete(written -> close(request.connection(), CloseReason.BODY));
        }
    }

    /** Closes a connection without an answer. */
    void close(HttpConnection connection, CloseReason reason) {
        closed.get(reason).increment();
        connection.close();
    }

    private void start(State state, long millis, Runnable onTimeout) {
        stop(state);
        state.timer = vertx.setTimer(millis, fired -> {
            state.timer = NO_TIMER;
            onTimeout.run();
        });
    }

    private void stop(State state) {
        if (state.timer != NO_TIMER) {
            vertx.cancelTimer(state.timer);
            state.timer = NO_TIMER;
        }
    }
}
