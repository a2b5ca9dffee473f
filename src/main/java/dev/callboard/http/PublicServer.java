package dev.callboard.http;

import dev.callboard.security.SourceCheck;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.text.Causes;
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
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.CamelContext;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.support.service.ServiceSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP server on the public port, which serves the {@code platform-http} routes within the limits of {@link
 * AdmissionControl}. Camel's own server has no timeouts, and starts without its port if that is in use. Until {@link
 * #open()} every request is answered 503 with Retry-After. The body of a request that no route would admit is not read.
 */
public final class PublicServer extends ServiceSupport {
    /** The name of its router in Camel's registry. */
    private static final String ROUTER = "callboard-callbacks";

    private static final Logger LOG = LoggerFactory.getLogger(PublicServer.class);
    private static final int START_TIMEOUT_SECONDS = 10;

    private final CamelContext camel;
    private final Vertx vertx;
    private final String host;
    private final int port;
    private final BodyHandler bodies;
    private final SourceCheck sourceCheck;
    private final MeterRegistry meters;
    private final AdmissionControl admission;
    private HttpServer server;

    public PublicServer(
            CamelContext camel, Vertx vertx, Settings settings, SourceCheck sourceCheck, MeterRegistry meters) {
        this.camel = camel;
        this.vertx = vertx;
        this.host = settings.http().host();
        this.port = settings.http().port();
        this.bodies = BodyHandler.create(false).setBodyLimit(settings.http().maxBodyBytes());
        this.sourceCheck = sourceCheck;
        this.meters = meters;
        this.admission = new AdmissionControl(
                vertx,
                settings,
                Runtime.getRuntime().maxMemory(),
                sourceCheck::mayAdmitPeer,
                Clock.systemUTC(),
                meters);
    }

    /** From now on requests reach the routes. */
    public void open() {
        admission.open();
    }

    /** Serves the routes of a component. */
    public RouterEngine engine() {
        return new RouterEngine(ROUTER, port, admission::limited, List.of(admission::enterRoute));
    }

    @Override
    protected void doStart() {
        Router router = Router.router(vertx);
        router.route().order(Integer.MIN_VALUE).handler(this::checkUrl);
        // Vert.x would log these with a stack trace and the URL, which has the token in it. It fails with 200 if the
        // client closes the connection before the body has been read.
        for (int status : new int[] {200, 400, 413, 415, 417}) {
            router.errorHandler(status, context -> end(context, status));
        }
        router.errorHandler(500, PublicServer::answerInternalError);
        camel.getRegistry().bind(ROUTER, new PublicRouter(vertx, router));
        // HTTP/1 only: an HTTP/2 connection has many requests at a time, which the timeouts do not know.
        HttpServerOptions options = new HttpServerOptions().setHttp2ClearTextEnabled(false);
        server = vertx.createHttpServer(options)
                .connectionHandler(admission::onConnection)
                .requestHandler(request -> {
                    if (admission.onRequest(request)) {
                        router.handle(request);
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

    /** The first handler of each request: answers 400 to a malformed query, and counts the response. */
    private void checkUrl(RoutingContext context) {
        context.addEndHandler(ended -> {
            if (ended.succeeded()) {
                int status = context.response().getStatusCode();
                meters.counter("callboard.http.responses", "status", String.valueOf(status))
                        .increment();
                admission.onResponse(context.request());
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

    /** Answers what failed outside of the routes, which answer their own failures. */
    private static void answerInternalError(RoutingContext context) {
        LOG.error("failed HTTP request outside of the routes cause={}", Causes.describe(context.failure()));
        end(context, 500);
    }

    /** Reads the body only of a request that has a type and that a route may admit. */
    private void readBody(RoutingContext context) {
        HttpServerRequest request = context.request();
        boolean probe = request.method().equals(HttpMethod.GET);
        if (!probe && context.parsedHeaders().contentType().rawValue().isEmpty()) {
            context.fail(415);
        } else if (!probe && sourceCheck.mayAdmit(request)) {
            admission.readBody(context, bodies);
        } else {
            context.next();
        }
    }

    private static String why(Throwable e) {
        return e.getCause() == null
                ? String.valueOf(e.getMessage())
                : String.valueOf(e.getCause().getMessage());
    }

    @Override
    protected void doStop() throws Exception {
        if (server != null) {
            server.close().toCompletionStage().toCompletableFuture().get(START_TIMEOUT_SECONDS, TimeUnit.SECONDS);
        }
    }

    /** The router to which Camel's consumers add their paths. */
    private final class PublicRouter extends VertxPlatformHttpRouter {
        PublicRouter(Vertx vertx, Router router) {
            super(null, vertx, router, ROUTER);
        }

        /** A {@code GET} has no type, and would be answered 415 by a route that consumes JSON. */
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
