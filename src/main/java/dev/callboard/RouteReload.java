package dev.callboard;

import dev.callboard.http.RouteGuard;
import dev.callboard.text.SafeText;
import dev.callboard.text.Sha256;
import java.io.File;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.CamelContext;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.builder.RouteConfigurationBuilder;
import org.apache.camel.model.Model;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.RouteTemplateDefinition;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.FileWatcherResourceReloadStrategy;
import org.apache.camel.support.PluginHelper;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies edits of the user's route files while Callboard runs, each file on its own. A file is read and checked before
 * one of its routes is touched; if it is invalid, or Camel can't make a route of it, the routes from before the edit stay.
 *
 * <p>Camel 4.18.0 has a strategy of its own, which applies no further edit while one file is invalid, and makes no route
 * again whose template is edited.
 */
final class RouteReload extends FileWatcherResourceReloadStrategy {
    private static final Logger LOG = LoggerFactory.getLogger(RouteReload.class);
    private static final int MAX_CAUSE = 500;

    private final RouteGuard guard;
    private final RouteCheck check;

    /** What was last read of each file; an editor's save of one file is several events. */
    private final Map<String, Sha256> contents = new HashMap<>();

    /** @param pattern the pattern of the names of the route files */
    RouteReload(String folder, String pattern, RouteGuard guard, RouteCheck check) {
        super(folder);
        this.guard = guard;
        this.check = check;
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        // While an editor writes a file in place, it is empty for a moment.
        setFileFilter(file -> matcher.matches(file.toPath().getFileName()) && file.length() > 0);
        setResourceReload((name, resource) -> reload(name, resource));
    }

    @Override
    protected String startupMessage(File folder) {
        return null;
    }

    private void reload(String file, Resource resource) {
        try {
            Sha256 content = Sha256.of(Files.readString(Path.of(file)));
            if (content.equals(contents.put(file, content))) {
                return;
            }
            Set<String> routes = new LinkedHashSet<>();
            for (var builder : PluginHelper.getRoutesLoader(getCamelContext()).findRoutesBuilders(resource)) {
                routes.addAll(apply((RouteBuilder) builder));
            }
            LOG.info("reloaded routes file={} routes={}", file, String.join(",", routes));
        } catch (Exception e) {
            LOG.error(
                    "routes not reloaded file={} cause=\"{}\" (the routes from before the edit stay; correct the file)",
                    file,
                    SafeText.line(guard.describe(e), MAX_CAUSE),
                    e);
        }
    }

    /** Applies a file; returns the ids of the routes that were replaced or added. */
    private Set<String> apply(RouteBuilder edited) throws Exception {
        CamelContext camel = getCamelContext();
        List<RouteDefinition> routes = edited.configureRoutes(camel).getRoutes();
        List<RouteTemplateDefinition> templates = edited.getRouteTemplateCollection().getRouteTemplates().stream()
                .filter(template -> RouteGuard.TEMPLATE.equals(template.getId()))
                .toList();
        check.check(routes);
        templates.forEach(guard::checkTemplate);
        if (edited instanceof RouteConfigurationBuilder configurations) {
            configurations.updateRouteConfigurationsToCamelContext(camel);
        }
        List<RouteDefinition> before = new ArrayList<>();
        routes.forEach(route -> before.addAll(definitions(route.getRouteId())));
        Set<String> changed = new LinkedHashSet<>();
        try {
            changed.addAll(edited.updateRoutesToCamelContext(camel));
        } catch (Exception e) {
            for (RouteDefinition route : routes) {
                remove(route.getRouteId());
            }
            model().addRouteDefinitions(before);
            throw e;
        }
        for (RouteTemplateDefinition template : templates) {
            changed.addAll(replace(template));
        }
        return changed;
    }

    private List<RouteDefinition> definitions(String routeId) {
        return model().getRouteDefinitions().stream()
                .filter(route -> route.getRouteId().equals(routeId))
                .toList();
    }

    /** Makes the routes of a template again; Camel has added it beside the one from before. */
    private Set<String> replace(RouteTemplateDefinition after) throws Exception {
        Map<String, String> providers = providersByRoute();
        RouteTemplateDefinition before = model().getRouteTemplateDefinitions().stream()
                .filter(template -> RouteGuard.TEMPLATE.equals(template.getId()) && template != after)
                .findFirst()
                .orElseThrow();
        try {
            model().removeRouteTemplateDefinition(before);
            makeRoutes(providers);
            check.check();
            return providers.keySet();
        } catch (Exception e) {
            model().removeRouteTemplateDefinition(after);
            model().addRouteTemplateDefinition(before);
            makeRoutes(providers);
            throw e;
        }
    }

    private Map<String, String> providersByRoute() {
        Map<String, String> providers = new LinkedHashMap<>();
        for (RouteDefinition route : model().getRouteDefinitions()) {
            guard.providerOf(route).ifPresent(provider -> providers.put(route.getRouteId(), provider));
        }
        return providers;
    }

    private void makeRoutes(Map<String, String> providers) throws Exception {
        for (Map.Entry<String, String> entry : providers.entrySet()) {
            remove(entry.getKey());
            model().addRouteFromTemplate(
                            entry.getKey(), RouteGuard.TEMPLATE, Map.of(RouteGuard.PROVIDER, entry.getValue()));
        }
    }

    private void remove(String routeId) throws Exception {
        CamelContext camel = getCamelContext();
        if (camel.getRoute(routeId) != null) {
            camel.getRouteController().stopRoute(routeId);
            camel.removeRoute(routeId);
        }
        for (RouteDefinition left : definitions(routeId)) {
            model().removeRouteDefinition(left);
        }
    }

    private Model model() {
        return getCamelContext().getCamelContextExtension().getContextPlugin(Model.class);
    }
}
