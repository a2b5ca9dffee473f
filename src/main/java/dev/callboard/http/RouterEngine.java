package dev.callboard.http;

import java.util.List;
import java.util.Optional;
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
    private final Optional<PublicServer> server;

    /** @param server the public server, whose limits hold for the requests; empty for management, which has none */
    public RouterEngine(String routerName, int port, Optional<PublicServer> server) {
        this.routerName = routerName;
        this.port = port;
        this.server = server;
    }

    @Override
    public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor route) {
        return server.map(PublicServer::admission)
                .map(admission -> new VertxPlatformHttpConsumer(
                        endpoint, admission.limited(route), List.of(admission::enterRoute), routerName))
                .orElseGet(() -> new VertxPlatformHttpConsumer(endpoint, route, List.of(), routerName));
    }

    @Override
    public int getServerPort() {
        return port;
    }
}
