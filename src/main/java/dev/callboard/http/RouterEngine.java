package dev.callboard.http;

import java.util.List;
import java.util.Optional;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.spi.PlatformHttpConsumer;
import org.apache.camel.component.platform.http.spi.PlatformHttpEngine;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpConsumer;
import org.apache.camel.support.service.ServiceSupport;

/** Lets the routes of one component be reached through one server: the public one, or the one for management. */
public final class RouterEngine extends ServiceSupport implements PlatformHttpEngine {
    private final String routerName;
    private final int port;
    private final Optional<PublicServer> limits;

    /** @param limits bounds how many requests, and of what size, are with the routes; without it as many as come */
    public RouterEngine(String routerName, int port, Optional<PublicServer> limits) {
        this.routerName = routerName;
        this.port = port;
        this.limits = limits;
    }

    @Override
    public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor processor) {
        return limits.map(server -> new VertxPlatformHttpConsumer(
                        endpoint, server.limited(processor), List.of(server.entrance()), routerName))
                .orElseGet(() -> new VertxPlatformHttpConsumer(endpoint, processor, List.of(), routerName));
    }

    @Override
    public int getServerPort() {
        return port;
    }
}
