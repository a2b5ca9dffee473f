package dev.callboard;

import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.handler.BodyHandler;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.camel.CamelContext;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.apache.camel.support.service.ServiceSupport;

/**
 * The HTTP server on the public port, where the {@code platform-http} routes are reached. It is Callboard's own, since
 * Camel's has no say in time limits and starts without its port if that is in use. Until {@link #open()} every request
 * is answered 503 with Retry-After.
 */
final class CallbackServer extends ServiceSupport {
    /** Under which name its router is known to the routes' engine. */
    static final String ROUTER = "callboard-callbacks";

    /** A client that sends nothing for so long is cut off. */
    private static final int IDLE_SECONDS = 60;

    private static final int START_SECONDS = 10;

    private final CamelContext camel;
    private final Vertx vertx;
    private final String host;
    private final int port;
    private final int maxBodyBytes;
    private HttpServer server;
    private volatile boolean open;

    CallbackServer(CamelContext camel, Vertx vertx, Settings settings) {
        this.camel = camel;
        this.vertx = vertx;
        this.host = settings.get("callboard.http.host");
        this.port = settings.port("callboard.http.port");
        this.maxBodyBytes = settings.number("callboard.max-body-bytes", 1, Integer.MAX_VALUE);
    }

    @Override
    protected void doStart() {
        Router router = Router.router(vertx);
        BodyHandler bodies = BodyHandler.create(false).setBodyLimit(maxBodyBytes);
        camel.getRegistry().bind(ROUTER, new VertxPlatformHttpRouter(null, vertx, router, ROUTER) {
            @Override
            public Handler<RoutingContext> bodyHandler() {
                return bodies;
            }
        });
        HttpServerOptions options = new HttpServerOptions().setIdleTimeout(IDLE_SECONDS);
        server = vertx.createHttpServer(options).requestHandler(request -> admit(router, request));
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
        if (open) {
            router.handle(request);
        } else {
            request.response().setStatusCode(503).putHeader("Retry-After", "5").end();
        }
    }

    /** From now on requests reach the routes. */
    void open() {
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
}
