package dev.callboard.testkit;

import io.netty.channel.ChannelOption;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionStage;

/** How a simulated provider answers other than it should. A lambda can be the fault of one test. */
@FunctionalInterface
public interface Fault {
    void answer(Exchange exchange);

    /** The usual answer, later; it states what held when the request came in. */
    static Fault delay(Duration by) {
        return exchange -> exchange.provider().vertx.setTimer(by.toMillis(), timer -> exchange.answer(exchange.good()));
    }

    /** The usual answer, when a test permits it; it states what held when the request came in. */
    static Fault until(CompletionStage<?> permitted) {
        return exchange -> permitted.thenRun(
                () -> exchange.provider().vertx.runOnContext(ignored -> exchange.answer(exchange.good())));
    }

    /** This status, with the provider's body for errors and no Retry-After. */
    static Fault error(int status) {
        return exchange -> exchange.answer(exchange.provider().error(status));
    }

    /** 429 with a Retry-After in seconds. */
    static Fault tooManyRequests(Duration retryAfter) {
        return tooManyRequests(String.valueOf(retryAfter.toSeconds()));
    }

    /** 429 with a Retry-After that is an HTTP date (RFC 9110, 5.6.7). */
    static Fault tooManyRequests(Instant retryAfter) {
        return tooManyRequests(DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US)
                .withZone(ZoneOffset.UTC)
                .format(retryAfter));
    }

    /** 429 with any text as Retry-After. */
    static Fault tooManyRequests(String retryAfter) {
        return exchange -> {
            exchange.response().putHeader("Retry-After", retryAfter);
            exchange.answer(exchange.provider().error(429));
        };
    }

    /** The first half of the usual answer, as if it were all. */
    static Fault brokenJson() {
        return exchange -> {
            String body = exchange.good().body();
            exchange.answer(exchange.good().status(), body.substring(0, body.length() / 2));
        };
    }

    /** The beginning of a JSON text that does not end until the client closes the connection. */
    static Fault endless() {
        return exchange -> {
            exchange.response().setChunked(true).write("{\"detail\":\"");
            exchange.keepWriting(Buffer.buffer("x".repeat(16 * 1024)));
        };
    }

    /** The usual answer, one byte each interval. */
    static Fault trickle(Duration interval) {
        return exchange -> {
            Buffer body = Buffer.buffer(exchange.good().body());
            HttpServerResponse response =
                    exchange.response().setStatusCode(exchange.good().status());
            response.putHeader("Content-Length", String.valueOf(body.length()));
            int[] sent = {0};
            exchange.provider().vertx.setPeriodic(interval.toMillis(), timer -> {
                if (response.closed()) {
                    exchange.provider().vertx.cancelTimer(timer);
                    return;
                }
                response.write(body.slice(sent[0], ++sent[0]));
                if (sent[0] == body.length()) {
                    exchange.provider().vertx.cancelTimer(timer);
                    response.end();
                }
            });
        };
    }

    /** 302 to {@link SimulatedProvider#elsewhere()}. */
    static Fault redirect() {
        return exchange -> {
            String target =
                    exchange.provider().elsewhereUrl() + exchange.request().uri();
            exchange.response().setStatusCode(302).putHeader("Location", target).end();
        };
    }

    /** The usual answer with the id of a task that was not asked for. */
    static Fault anotherTask() {
        return exchange -> {
            String body = exchange.good().body();
            for (String id : exchange.taskIds()) {
                body = body.replace('"' + id + '"', '"' + exchange.provider().newId() + '"');
            }
            exchange.answer(exchange.good().status(), body);
        };
    }

    /** No answer: the connection is reset (TCP RST). */
    static Fault reset() {
        return exchange -> {
            exchange.response().closeHandler(null);
            ConnectionBase connection = (ConnectionBase) exchange.request().connection();
            connection.channel().config().setOption(ChannelOption.SO_LINGER, 0);
            connection.close();
        };
    }

    /**
     * A request to answer.
     *
     * @param taskIds the tasks that the fault is for
     * @param good the usual answer
     */
    record Exchange(
            SimulatedProvider provider,
            HttpServerRequest request,
            List<String> taskIds,
            SimulatedProvider.Answer good) {

        public HttpServerResponse response() {
            return request.response();
        }

        public void answer(int status, String body) {
            if (!response().closed()) {
                response().putHeader("Content-Type", "application/json");
                response().setStatusCode(status).end(body);
            }
        }

        void answer(SimulatedProvider.Answer answer) {
            answer(answer.status(), answer.body());
        }

        /** Writes at the speed of the client; other requests have their turn in between. */
        private void keepWriting(Buffer part) {
            if (response().closed()) {
                return;
            }
            response().write(part);
            if (response().writeQueueFull()) {
                response().drainHandler(ignored -> keepWriting(part));
            } else {
                provider.vertx.runOnContext(ignored -> keepWriting(part));
            }
        }
    }
}
