package dev.callboard.testkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.netty.channel.ChannelOption;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * A system of the user that events are posted to, on a port of loopback. It answers 204 unless a test says otherwise. Safe
 * for any number of threads.
 */
public final class EventReceiver implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** A request as it came. */
    public record Request(Map<String, String> headers, String body, String path, long nanos) {
        public String id() {
            return headers.get("webhook-id");
        }

        public JsonNode json() {
            try {
                return JSON.readTree(body);
            } catch (JsonProcessingException e) {
                throw new IllegalStateException(body, e);
            }
        }

        public String type() {
            return json().path("type").asText();
        }

        public String taskId() {
            return json().at("/data/taskId").asText();
        }
    }

    /** How a request is answered. */
    @FunctionalInterface
    public interface Behavior {
        void answer(Vertx vertx, HttpServerRequest http, Request request);
    }

    private final Vertx vertx = Vertx.vertx(new VertxOptions()
            .setEventLoopPoolSize(1)
            .setWorkerPoolSize(1)
            .setFileSystemOptions(
                    new FileSystemOptions().setClassPathResolvingEnabled(false).setFileCachingEnabled(false)));
    private final Queue<Request> requests = new ConcurrentLinkedQueue<>();
    private final AtomicInteger count = new AtomicInteger();
    private final AtomicLong firstNanos = new AtomicLong();
    private volatile long lastNanos;
    private final int port;
    private volatile Behavior behavior = status(204);
    private HttpServer server;

    public EventReceiver() {
        this.server = listen(0);
        this.port = server.actualPort();
    }

    private HttpServer listen(int on) {
        return vertx.createHttpServer(new HttpServerOptions().setHttp2ClearTextEnabled(false))
                .requestHandler(http -> http.body().onSuccess(body -> handle(http, body)))
                .listen(on, "127.0.0.1")
                .toCompletionStage()
                .toCompletableFuture()
                .join();
    }

    private void handle(HttpServerRequest http, Buffer body) {
        Map<String, String> headers = http.headers().entries().stream()
                .collect(Collectors.toMap(
                        entry -> entry.getKey().toLowerCase(Locale.ROOT), Map.Entry::getValue, (a, b) -> a));
        Request request = new Request(headers, body.toString(), http.uri(), System.nanoTime());
        requests.add(request);
        count.incrementAndGet();
        firstNanos.compareAndSet(0, request.nanos());
        lastNanos = request.nanos();
        behavior.answer(vertx, http, request);
    }

    public String url() {
        return "http://127.0.0.1:" + port + "/events?key=value";
    }

    /** From now on, requests are answered so. */
    public void behave(Behavior how) {
        behavior = how;
    }

    /** All requests so far. */
    public List<Request> requests() {
        return List.copyOf(requests);
    }

    public List<Request> requests(String taskId) {
        return requests.stream()
                .filter(request -> request.taskId().equals(taskId))
                .toList();
    }

    /** How many requests came so far. */
    public int count() {
        return count.get();
    }

    /** The time between the first and the last request so far. */
    public double secondsBetweenFirstAndLast() {
        return (lastNanos - firstNanos.get()) / 1e9;
    }

    /** Accepts no connection from now on. */
    public void stopListening() {
        server.close().toCompletionStage().toCompletableFuture().join();
    }

    // ---- behaviors ----

    public static Behavior status(int status) {
        return status(status, "");
    }

    public static Behavior status(int status, String body, String... headers) {
        return (vertx, http, request) -> {
            for (int i = 0; i < headers.length; i += 2) {
                http.response().putHeader(headers[i], headers[i + 1]);
            }
            http.response().setStatusCode(status).end(body);
        };
    }

    /** The status, later. */
    public static Behavior later(Duration by, int status) {
        return (vertx, http, request) -> vertx.setTimer(
                by.toMillis(), timer -> http.response().setStatusCode(status).end());
    }

    /** The connection is reset. */
    public static Behavior reset() {
        return (vertx, http, request) -> {
            ConnectionBase connection = (ConnectionBase) http.connection();
            connection.channel().config().setOption(ChannelOption.SO_LINGER, 0);
            connection.close();
        };
    }

    /** The status, and a body that does not end, as fast as the client reads. */
    public static Behavior endless(int status) {
        return (vertx, http, request) -> {
            http.response().setStatusCode(status).setChunked(true);
            write(vertx, http.response(), Buffer.buffer("x".repeat(16 * 1024)));
        };
    }

    private static void write(Vertx vertx, HttpServerResponse response, Buffer part) {
        if (!response.closed()) {
            response.write(part);
            if (response.writeQueueFull()) {
                response.drainHandler(ignored -> write(vertx, response, part));
            } else {
                vertx.runOnContext(ignored -> write(vertx, response, part));
            }
        }
    }

    /** The status, and one byte each interval without an end. */
    public static Behavior drip(int status, Duration interval) {
        return (vertx, http, request) -> {
            http.response().setStatusCode(status).setChunked(true);
            vertx.setPeriodic(interval.toMillis(), timer -> {
                if (http.response().closed()) {
                    vertx.cancelTimer(timer);
                } else {
                    http.response().write("x");
                }
            });
        };
    }

    /** The headers of an answer never come. */
    public static Behavior silence() {
        return (vertx, http, request) -> {};
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
