package dev.callboard.http;

import dev.callboard.callback.ProblemDetails;
import dev.callboard.security.SourceCheck;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import io.vertx.ext.web.handler.HttpException;
import io.vertx.ext.web.impl.RouteImpl;
import java.time.Clock;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.CamelContext;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.support.service.ServiceSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server on the public port, where the {@code platform-http} routes are reached. It is Callboard's own, since
 * Camel's has no say in time limits and starts without its port if that is in use. Until {@link #open()} every request
 * is answered 503 with Retry-After. The body of a request that no route would let in is not read.
 */
public final class PublicServer extends ServiceSupport {
    /** Under which name its router is known to the routes' engine. */
    public static final String ROUTER = "callboard-callbacks";

    private static final Logger LOG = LoggerFactory.getLogger(PublicServer.class);
    private static final int START_SECONDS = 10;

    private final CamelContext camel;
    private final Vertx vertx;
    private final String host;
    private final int port;
    private final BodyHandler bodies;
    private final SourceCheck sourceCheck;
    private final MeterRegistry meters;
    private final TurnedAway turnedAway;
    private final ConnectionLimits connections;
    private final InFlight inFlight;
    private final BodyMemory memory;
    private HttpServer server;
    private volatile boolean open;

    public PublicServer(
            CamelContext camel, Vertx vertx, Settings settings, SourceCheck sourceCheck, MeterRegistry meters) {
        this.camel = camel;
        this.vertx = vertx;
        this.host = settings.http().host();
        this.port = settings.http().port();
        int mostBody = settings.http().maxBodyBytes();
        this.bodies = BodyHandler.create(false).setBodyLimit(mostBody);
        this.memory = new BodyMemory(Runtime.getRuntime().maxMemory(), mostBody);
        this.sourceCheck = sourceCheck;
        this.meters = meters;
        this.turnedAway = new TurnedAway(Clock.systemUTC(), meters);
        this.connections = new ConnectionLimits(vertx, settings, meters, sourceCheck::knows);
        this.inFlight = new InFlight(settings.http().maxInFlight(), turnedAway, meters);
    }

    /** A route's processor within the limits of this server. */
    Processor limited(Processor route) {
        return inFlight.leavingAfter(memory.waitingBefore(route));
    }

    /** What a request passes, once its body is here, on its way to a route. */
    Handler<RoutingContext> entrance() {
        return inFlight::enter;
    }

    @Override
    protected void doStart() {
        Router router = Router.router(vertx);
        router.route().order(Integer.MIN_VALUE).handler(this::watch);
        // Vert.x's own word for these is a stack trace in the log, with the URL and the token in it. Its 200 is a
        // caller that has gone before its body was here.
        for (int status : new int[] {200, 400, 413, 415, 417}) {
            router.errorHandler(status, context -> end(context, status));
        }
        router.errorHandler(500, PublicServer::answerOurFault);
        camel.getRegistry().bind(ROUTER, new PublicRouter(vertx, router));
        // HTTP/1 alone: an HTTP/2 connection carries many requests, which the limits do not know.
        HttpServerOptions options = new HttpServerOptions().setHttp2ClearTextEnabled(false);
        server = vertx.createHttpServer(options)
                .connectionHandler(connections::opened)
                .requestHandler(request -> admit(router, request));
        try {
            server.listen(port, host).toCompletionStage().toCompletableFuture().get(START_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException | CompletionException e) {
            throw StartException.of(
                    "callboard.http.port", "can't listen on " + host + ":" + port + " (" + why(e) + ")");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw StartException.of("callboard.http.port", "interrupted");
        }
    }

    private void admit(Router router, HttpServerRequest request) {
        connections.begun(request);
        if (open) {
            router.handle(request);
        } else {
            request.response().putHeader("Connection", "close");
            turnedAway.answer(request.response(), "starting", "the routes are still starting");
        }
    }

    private void watch(RoutingContext context) {
        context.addEndHandler(answered -> {
            if (answered.succeeded()) {
                int status = context.response().getStatusCode();
                meters.counter("callboard.http.answers", "status", String.valueOf(status))
                        .increment();
                connections.answered(context.request());
            }
        });
        try {
            context.queryParams();
            context.next();
        } catch (IllegalArgumentException | HttpException e) {
            end(context, 400);
        }
    }

    private static void end(RoutingContext context, int status) {
        if (!context.response().ended()) {
            context.response().setStatusCode(status).end();
        }
    }

    /** What fails here has failed outside of the routes, which answer for their own. */
    private static void answerOurFault(RoutingContext context) {
        LOG.error("our fault at the door: {}", ProblemDetails.cause(context.failure()));
        end(context, 500);
    }

    /** The routes' way to the body: read only for a request that has a type, and that some route would let in. */
    private void readBody(RoutingContext context) {
        HttpServerRequest request = context.request();
        boolean probe = request.method().equals(HttpMethod.GET);
        if (!probe && context.parsedHeaders().contentType().rawValue().isEmpty()) {
            context.fail(415);
        } else if (!probe && sourceCheck.couldAdmit(request)) {
            readBodyIfThereIsRoom(context);
        } else {
            context.next();
        }
    }

    private void readBodyIfThereIsRoom(RoutingContext context) {
        long room = memory.reserve(announced(context.request()));
        if (room == 0) {
            context.response().putHeader("Connection", "close");
            turnedAway.answer(context.response(), "memory", "bodies take as much memory as they may");
        } else {
            context.addEndHandler(ended -> memory.release(room));
            bodies.handle(context);
        }
    }

    /** The bytes of the body that a request says it has; -1 if it does not say. */
    private static long announced(HttpServerRequest request) {
        String length = request.getHeader("Content-Length");
        try {
            return length == null ? -1 : Long.parseLong(length.strip());
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /** From now on requests reach the routes. */
    public void open() {
        open = true;
    }

    private static String why(Throwable e) {
        return e.getCause() == null
                ? String.valueOf(e.getMessage())
                : String.valueOf(e.getCause().getMessage());
    }

    @Override
    protected void doStop() throws Exception {
        if (server != null) {
            server.close().toCompletionStage().toCompletableFuture().get(START_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** What Camel's consumers are attached to. */
    private final class PublicRouter extends VertxPlatformHttpRouter {
        PublicRouter(Vertx vertx, Router router) {
            super(null, vertx, router, ROUTER);
        }

        /** A {@code GET} has no type, and would be answered 415 where a route says what it consumes. */
        @Override
        public Route route(String path) {
            return ((RouteImpl) super.route(path)).setEmptyBodyPermittedWithConsumes(true);
        }

        @Override
        public Handler<RoutingContext> bodyHandler() {
            return PublicServer.this::readBody;
        }
    }
}
