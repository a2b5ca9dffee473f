package dev.callboard.http;

import io.vertx.core.Handler;
import io.vertx.ext.web.RoutingContext;
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.spi.PlatformHttpConsumer;
import org.apache.camel.component.platform.http.spi.PlatformHttpEngine;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpConsumer;
import org.apache.camel.support.service.ServiceSupport;

/** Makes the routes of one component available on one of the two HTTP servers, the public one or that for management. */
public final class RouterEngine extends ServiceSupport implements PlatformHttpEngine {
    private final String routerName;
    private final int port;
    private final UnaryOperator<Processor> limit;
    private final List<Handler<RoutingContext>> handlers;

    /**
     * @param limit what a worker runs instead of a route, which it calls within the limits of the server
     * @param handlers what the event loop runs before
     */
    RouterEngine(String routerName, int port, UnaryOperator<Processor> limit, List<Handler<RoutingContext>> handlers) {
        this.routerName = routerName;
        this.port = port;
        this.limit = limit;
        this.handlers = handlers;
    }

    @Override
    public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor route) {
        return new VertxPlatformHttpConsumer(endpoint, limit.apply(route), handlers, routerName);
    }

    @Override
    public int getServerPort() {
        return port;
    }
}
