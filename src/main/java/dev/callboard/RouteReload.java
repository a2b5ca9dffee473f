package dev.callboard;

import dev.callboard.http.RouteGuard;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.RuntimeCamelException;
import org.apache.camel.model.Model;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.RouteTemplateDefinition;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.RouteWatcherReloadStrategy;

/**
 * Applies edits of the user's route files while Callboard runs. Camel 4.18.0 replaces the routes of an edited file; of
 * an edited template it only adds the new definition, and the routes that were made from the old one stay. This class
 * makes them again.
 */
final class RouteReload extends RouteWatcherReloadStrategy {
    private final RouteGuard guard;

    RouteReload(String folder, RouteGuard guard) {
        super(folder);
        this.guard = guard;
        setPattern("*.camel.yaml");
        // Otherwise an edit that can't be read would leave Callboard without routes.
        setRemoveAllRoutes(false);
    }

    @Override
    protected void onRouteReload(Collection<Resource> resources, boolean removeEverything) {
        super.onRouteReload(resources, removeEverything);
        List<RouteTemplateDefinition> templates = model().getRouteTemplateDefinitions().stream()
                .filter(template -> RouteGuard.TEMPLATE.equals(template.getId()))
                .toList();
        try {
            if (templates.size() > 1) {
                replace(templates.get(0), templates.get(templates.size() - 1));
            }
        } catch (Exception e) {
            throw RuntimeCamelException.wrapRuntimeException(e);
        }
    }

    private void replace(RouteTemplateDefinition before, RouteTemplateDefinition after) throws Exception {
        Map<String, String> providers = providersByRoute();
        try {
            guard.checkTemplate(after);
            model().removeRouteTemplateDefinition(before);
            makeRoutes(providers);
        } catch (Exception e) {
            model().removeRouteTemplateDefinition(after);
            if (!model().getRouteTemplateDefinitions().contains(before)) {
                model().addRouteTemplateDefinition(before);
                makeRoutes(providers);
            }
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
        CamelContext camel = getCamelContext();
        for (Map.Entry<String, String> entry : providers.entrySet()) {
            String routeId = entry.getKey();
            if (camel.getRoute(routeId) != null) {
                camel.getRouteController().stopRoute(routeId);
                camel.removeRoute(routeId);
            }
            model().addRouteFromTemplate(routeId, RouteGuard.TEMPLATE, Map.of(RouteGuard.PROVIDER, entry.getValue()));
        }
    }

    private Model model() {
        return getCamelContext().getCamelContextExtension().getContextPlugin(Model.class);
    }
}
