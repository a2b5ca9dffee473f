package dev.callboard.http;

import dev.callboard.settings.Settings;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

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
        private final HttpConnection connection;
        /** The newest; null before the first. */
        private HttpServerRequest request;
        /** What has to come until the deadline, or the connection is closed for this reason. */
        private CloseReason reason;
        /** In the time of {@link System#nanoTime}. */
        private long deadline;

        /** Not set anew for each later deadline, of which a busy connection reaches none; it is when it fires. */
        private long timer = NO_TIMER;
        /** The deadline for which the timer was set: the present one, or an earlier one. */
        private long timerDeadline;

        State(HttpConnection connection) {
            this.connection = connection;
        }
    }

    /** A connection was opened, and now has to send the headers of its first request. */
    void onOpen(HttpConnection connection) {
        State state = new State(connection);
        states.put(connection, state);
        start(state, CloseReason.HEADERS, headerMillis);
    }

    void onClose(HttpConnection connection) {
        State state = states.remove(connection);
        if (state != null) {
            stopTimer(state);
        }
    }

    /** The headers of a request have been read, and its body has to follow. */
    void onRequest(HttpServerRequest request) {
        State state = states.get(request.connection());
        if (state != null) {
            state.request = request;
            start(state, CloseReason.BODY, bodyMillis);
        }
    }

    /** A request was answered, maybe before its body was read. */
    void onResponse(HttpServerRequest request) {
        if (request.isEnded()) {
            startIdle(request);
        } else {
            request.end().onSuccess(read -> startIdle(request));
        }
    }

    private void startIdle(HttpServerRequest request) {
        State state = states.get(request.connection());
        // A pipelined request may have begun already. Unlike the request, the response is the same object for all.
        if (state != null && state.request.response() == request.response()) {
            start(state, CloseReason.IDLE, idleMillis);
        }
    }

    private void onDeadline(State state) {
        if (state.reason != CloseReason.BODY) {
            close(state.connection, state.reason);
        } else if (!state.request.isEnded()) {
            answerLateBody(state.request);
        }
        // Else a route handles the request, which may take any time.
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

    private void start(State state, CloseReason reason, long millis) {
        state.reason = reason;
        state.deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        if (state.timer != NO_TIMER && state.deadline - state.timerDeadline < 0) {
            stopTimer(state);
        }
        if (state.timer == NO_TIMER) {
            startTimer(state);
        }
    }

    private void startTimer(State state) {
        // Rounded up, so that it does not fire too early.
        long millis = TimeUnit.NANOSECONDS.toMillis(state.deadline - System.nanoTime()) + 1;
        state.timerDeadline = state.deadline;
        state.timer = vertx.setTimer(millis, fired -> {
            state.timer = NO_TIMER;
            if (state.deadline - System.nanoTime() > 0) {
                startTimer(state);
            } else {
                onDeadline(state);
            }
        });
    }

    private void stopTimer(State state) {
        if (state.timer != NO_TIMER) {
            vertx.cancelTimer(state.timer);
            state.timer = NO_TIMER;
        }
    }
}
