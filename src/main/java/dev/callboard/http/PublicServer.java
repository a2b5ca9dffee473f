package dev.callboard.http;

import dev.callboard.security.SourceCheck;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.text.Causes;
import dev.callboard.text.SafeText;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.HttpException;
import io.vertx.ext.web.impl.RouteImpl;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.apache.camel.CamelContext;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.support.service.ServiceSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server on the public port, which serves the {@code platform-http} routes within the limits of {@link
 * AdmissionControl}. Camel's own server has no timeouts, and starts without its port if that is in use. Until {@link
 * #open()}, and while it stops, every request is answered 503 with Retry-After. It decides who is admitted before it reads
 * a body: others are answered on the event loop.
 */
public final class PublicServer extends ServiceSupport {
    /** The name of its router in Camel's registry. */
    private static final String ROUTER = "callboard-callbacks";

    private static final Logger LOG = LoggerFactory.getLogger(PublicServer.class);
    private static final int START_TIMEOUT_SECONDS = 10;
    private static final int CLOSE_TIMEOUT_SECONDS = 1;

    /** How long the routes may take for the requests that they have when the server is stopped. */
    private static final Duration ROUTES_TIMEOUT = Duration.ofSeconds(3);

    /** For how long no request may have come before the port is closed, and how long to wait for that. */
    private static final Duration QUIET = Duration.ofMillis(100);

    private static final Duration QUIET_TIMEOUT = Duration.ofSeconds(1);
    private static final int INTERVAL_MS = 10;

    /** More than processors, for steps in users' routes that wait. A callback that waits for its commit takes none. */
    private static final int WORKERS = 16;

    /** Before the provider's name in the path of its callbacks. */
    private static final String PATH = "/callbacks/";

    private static final int MAX_SHOWN = 60;

    private final CamelContext camel;
    private final Vertx vertx;
    private final String host;
    private final int port;
    private final Settings settings;
    private final SourceCheck sourceCheck;
    private final MeterRegistry meters;
    private final AdmissionControl admission;
    /** The counters by status, since the registry takes longer to find one than to count. */
    private final Map<Integer, Counter> responses = new ConcurrentHashMap<>();

    private final ExecutorService workers = Executors.newFixedThreadPool(WORKERS, PublicServer::worker);

    /** The requests that have no answer yet, each with the Vert.x context in which it gets one. */
    private final Map<RoutingContext, Context> unanswered = new ConcurrentHashMap<>();

    private volatile long lastRequest = System.nanoTime();
    private HttpServer server;

    public PublicServer(
            CamelContext camel, Vertx vertx, Settings settings, SourceCheck sourceCheck, MeterRegistry meters) {
        this.camel = camel;
        this.vertx = vertx;
        this.host = settings.http().host();
        this.port = settings.http().port();
        this.settings = settings;
        this.sourceCheck = sourceCheck;
        this.meters = meters;
        this.admission = new AdmissionControl(
                vertx, settings, Runtime.getRuntime().maxMemory(), sourceCheck::mayAdmit, Clock.systemUTC(), meters);
    }

    private static Thread worker(Runnable work) {
        Thread thread = new Thread(work, "callboard-callback");
        thread.setDaemon(true);
        return thread;
    }

    /** How many requests are in flight: read, and in a route that has not ended. */
    public int inFlight() {
        return admission.inFlight();
    }

    /** From now on requests reach the routes. */
    public void open() {
        admission.open();
    }

    /** Serves the routes of a component. */
    public RouterEngine engine() {
        return new RouterEngine(
                port, (endpoint, route) -> new CallbackConsumer(endpoint, route, admission, workers, ROUTER));
    }

    @Override
    protected void doStart() {
        Router router = Router.router(vertx);
        router.route().order(Integer.MIN_VALUE).handler(this::decide);
        // Vert.x would log these with a stack trace and the URL, which has the token in it.
        for (int status : new int[] {400, 413, 415, 417}) {
            router.errorHandler(status, context -> answerInvalid(context, status));
        }
        router.errorHandler(500, PublicServer::answerInternalError);
        camel.getRegistry().bind(ROUTER, new PublicRouter(vertx, router));
        // HTTP/1 only: an HTTP/2 connection has many requests at a time, which the timeouts do not know.
        HttpServerOptions options = new HttpServerOptions()
                .setHttp2ClearTextEnabled(false)
                // Each would add a handler to every connection; there are no web sockets.
                .setPerFrameWebSocketCompressionSupported(false)
                .setPerMessageWebSocketCompressionSupported(false);
        server = vertx.createHttpServer(options)
                .connectionHandler(connection -> {
                    StrictRequestDecoder.install(connection, options);
                    admission.onConnection(connection);
                })
                .invalidRequestHandler(this::answerInvalidHead)
                .requestHandler(request -> {
                    lastRequest = System.nanoTime();
                    if (admission.onRequest(request)) {
                        router.handle(request);
                    } else {
                        count(request.response());
                    }
                });
        try {
            server.listen(port, host)
                    .toCompletionStage()
                    .toCompletableFuture()
                    .get(START_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException | CompletionException e) {
            throw StartException.of(
                    "callboard.http.port", "can't listen on " + host + ":" + port + " (" + why(e) + ")");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw StartException.of("callboard.http.port", "interrupted");
        }
    }

    /** The first handler of each request: answers those of callers that its provider does not admit. */
    private void decide(RoutingContext context) {
        unanswered.put(context, vertx.getOrCreateContext());
        context.addHeadersEndHandler(answered -> onAnswer(context));
        context.addEndHandler(ended -> {
            unanswered.remove(context);
            if (ended.succeeded()) {
                admission.onResponse(context.request());
            }
        });
        Optional<String> provider;
        try {
            context.queryParams();
            provider = provider(context.normalizedPath());
        } catch (IllegalArgumentException | HttpException e) {
            HttpServerRequest request = context.request();
            sourceCheck.reportInvalid(request, provider(request.path()), 400, "the URL is malformed");
            end(context, 400);
            return;
        }
        if (provider.isPresent() && !sourceCheck.decide(provider.get(), context)) {
            end(context, 403);
        } else {
            context.next();
        }
    }

    /** The provider whose callbacks are received at a path; empty if there is none. */
    private Optional<String> provider(String path) {
        if (path == null || !path.startsWith(PATH)) {
            return Optional.empty();
        }
        // As Vert.x matches paths.
        String name = path.substring(PATH.length(), path.endsWith("/") ? path.length() - 1 : path.length());
        return Optional.of(name).filter(settings.providerNames()::contains);
    }

    /** The answer to a request begins. */
    private void onAnswer(RoutingContext context) {
        count(context.response());
        if (!sourceCheck.isAdmitted(context)) {
            admission.onNotAdmitted(context);
        } else if (context.response().getStatusCode() == 408) {
            sourceCheck.reportInvalid(context, 408, "the body did not arrive within callboard.http.body-timeout");
        }
    }

    private void count(HttpServerResponse response) {
        responses
                .computeIfAbsent(
                        response.getStatusCode(),
                        status -> meters.counter("callboard.http.responses", "status", String.valueOf(status)))
                .increment();
    }

    /** Answers a request without its route. */
    private void answerInvalid(RoutingContext context, int status) {
        sourceCheck.reportInvalid(context, status, problem(context, status));
        end(context, status);
    }

    private String problem(RoutingContext context, int status) {
        return switch (status) {
            case 413 ->
                "the body is longer than callboard.max-body-bytes="
                        + settings.http().maxBodyBytes();
            case 415 -> {
                String type = context.request().getHeader(HttpHeaders.CONTENT_TYPE);
                yield type == null
                        ? "no Content-Type"
                        : "the Content-Type is '" + SafeText.line(type, MAX_SHOWN) + "', not application/json";
            }
            case 417 -> "an Expect other than 100-continue";
            default -> "the chunked body is malformed";
        };
    }

    /** Answers a request whose head is not HTTP/1.1. Nothing more is read from its connection, which is then closed. */
    private void answerInvalidHead(HttpServerRequest request) {
        Throwable cause = request.decoderResult().cause();
        int status = 400;
        String problem = "the request is not HTTP/1.1";
        if (cause instanceof TooLongHttpLineException) {
            status = 414;
            problem = "the URL is too long";
        } else if (cause instanceof TooLongHttpHeaderException) {
            status = 431;
            problem = "the headers are too long";
        } else if (cause instanceof StrictRequestDecoder.InvalidHeadException) {
            problem = cause.getMessage();
        }
        HttpServerResponse response = request.response().setStatusCode(status);
        count(response);
        sourceCheck.reportInvalid(request, provider(request.path()), status, problem);
        // Vert.x closes the connection after it.
        response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE).end();
    }

    private static void end(RoutingContext context, int status) {
        if (!context.response().ended()) {
            context.response().setStatusCode(status).end();
        }
    }

    /** Answers what failed outside of the routes, which answer their own failures. */
    private static void answerInternalError(RoutingContext context) {
        LOG.error("failed HTTP request outside of the routes cause={}", Causes.describe(context.failure()));
        end(context, 500);
    }

    /** Reads the body of a request that has a type, unless it is a probe. */
    private void readBody(RoutingContext context) {
        if (context.request().method().equals(HttpMethod.GET)) {
            context.next();
        } else if (context.parsedHeaders().contentType().rawValue().isEmpty()) {
            context.fail(415);
        } else {
            admission.readBody(context);
        }
    }

    private static String why(Throwable e) {
        return e.getCause() == null
                ? String.valueOf(e.getMessage())
                : String.valueOf(e.getCause().getMessage());
    }

    /**
     * Answers 503 to further requests, waits until the routes have answered those that they have and no more come in, and
     * closes the port. A request that is still without an answer then gets a 503, whether it is recorded or not: if the
     * provider sends it again, that is a duplicate.
     */
    @Override
    protected void doStop() throws Exception {
        if (server == null) {
            return;
        }
        admission.close();
        awaitWhile(() -> unanswered.keySet().stream().anyMatch(PublicServer::isInRoute), ROUTES_TIMEOUT);
        awaitWhile(() -> System.nanoTime() - lastRequest < QUIET.toNanos(), QUIET_TIMEOUT);
        unanswered.forEach((request, context) -> context.runOnContext(now -> {
            if (!request.response().ended()) {
                admission.answerIfClosed(request.response());
            }
        }));
        try {
            server.close().toCompletionStage().toCompletableFuture().get(CLOSE_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        } finally {
            workers.shutdown();
        }
    }

    /** Once its body is read, a request is passed on to its route or answered at once. */
    private static boolean isInRoute(RoutingContext context) {
        return context.request().isEnded();
    }

    private static void awaitWhile(BooleanSupplier condition, Duration timeout) throws InterruptedException {
        long end = System.nanoTime() + timeout.toNanos();
        while (condition.getAsBoolean() && System.nanoTime() < end) {
            Thread.sleep(INTERVAL_MS);
        }
    }

    /** The router to which Camel's consumers add their paths. */
    private final class PublicRouter extends VertxPlatformHttpRouter {
        PublicRouter(Vertx vertx, Router router) {
            super(null, vertx, router, ROUTER);
        }

        /**
         * A {@code GET} has no type, and would be answered 415 by a route that consumes JSON.
         *
         * @throws StartException if it is not the path of a provider, for which the server decides who is admitted
         */
        @Override
        public Route route(String path) {
            if (provider(path).isEmpty()) {
                throw new StartException("a route opens the path " + path
                        + " on the public port; callbacks are received at " + PATH + "<provider> only");
            }
            return ((RouteImpl) super.route(path)).setEmptyBodyPermittedWithConsumes(true);
        }

        @Override
        public Handler<RoutingContext> bodyHandler() {
            return PublicServer.this::readBody;
        }
    }
}
