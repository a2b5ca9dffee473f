package dev.callboard.http;

import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.WeakHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.FailedToCreateRouteException;
import org.apache.camel.FailedToStartRouteException;
import org.apache.camel.Route;
import org.apache.camel.model.FilterDefinition;
import org.apache.camel.model.Model;
import org.apache.camel.model.ProcessorDefinition;
import org.apache.camel.model.RemoveHeadersDefinition;
import org.apache.camel.model.RouteDefinition;
import org.apache.camel.model.RouteTemplateDefinition;
import org.apache.camel.model.SetVariableDefinition;
import org.apache.camel.model.StopDefinition;
import org.apache.camel.model.ToDefinition;
import org.apache.camel.model.language.ConstantExpression;
import org.apache.camel.spi.Resource;
import org.apache.camel.support.LifecycleStrategySupport;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;

/**
 * Checks the user's route files when Camel has read them, at startup and after an edit: each provider has what it needs,
 * and each HTTP path of the public server comes from the template {@value #TEMPLATE}, which checks the source first. Safe
 * for use by any number of threads.
 */
public final class RouteGuard {
    /** The id of the template that receives callbacks. */
    public static final String TEMPLATE = "receive-callback";

    /** The template's parameter. */
    public static final String PROVIDER = "provider";

    private static final Pattern FILE = Pattern.compile("[A-Za-z0-9._-]+\\.camel\\.yaml");
    /** How a route opens a path of the public server; {@code rest:} does so through platform-http. */
    private static final Pattern HTTP_PATH = Pattern.compile("(platform-http|rest|rest-api|rest-openapi):.*");

    private static final String SOURCE_CHECK = "bean:sourceCheck?method=admit";
    private static final String READ_BODY = "bean:callbackBody?method=read";
    private static final String ANSWER_RECORDED = "direct:answer-recorded";
    private static final String ANSWER_ACCEPTED = "direct:answer-accepted";
    /** A sending to Kafka that succeeds only if all replicas in sync have acknowledged it. */
    private static final Pattern ACKNOWLEDGED_BY_ALL =
            Pattern.compile("kafka:[^?]+\\?(.*&)?requestRequiredAcks=all(&.*)?");
    /** Kafka's own property takes precedence over that of the endpoint. */
    private static final Pattern OVERRIDDEN_ACKS = Pattern.compile(".*[?&]additionalProperties\\.acks=.*");

    private static final String PROBE = "${variable.method} == 'GET'";
    private static final String ANSWER_ERRORS = "answer-errors";

    private final CamelContext camel;
    private final Settings settings;
    /** The routes that Camel has made from a template, each with the template as it then was. */
    private final Map<RouteDefinition, RouteTemplateDefinition> made = Collections.synchronizedMap(new WeakHashMap<>());

    public RouteGuard(CamelContext camel, Settings settings) {
        this.camel = camel;
        this.settings = settings;
    }

    /** Checks each route from now on, before it can take its first request. To be called before Camel reads routes. */
    public void watch() {
        model().addRouteTemplateDefinitionConverter("*", (template, parameters) -> {
            RouteDefinition route = RouteTemplateDefinition.Converter.DEFAULT_CONVERTER.apply(template, parameters);
            made.put(route, template);
            return route;
        });
        camel.addLifecycleStrategy(new LifecycleStrategySupport() {
            @Override
            public void onRouteContextCreate(Route route) {
                check((RouteDefinition) route.getRoute(), route.getEndpoint());
            }
        });
    }

    private void check(RouteDefinition route, Endpoint from) {
        if (!HTTP_PATH.matcher(from.getEndpointUri()).matches()) {
            return;
        }
        RouteTemplateDefinition template = made.get(route);
        if (template == null || !TEMPLATE.equals(template.getId())) {
            throw new StartException(where(route) + "the route " + route.getRouteId()
                    + " opens an HTTP path, which only the template " + TEMPLATE + " may do");
        }
        checkTemplate(template);
        String provider = providerOf(route).orElse("");
        if (!settings.providerNames().contains(provider)) {
            throw new StartException(file(provider + ".schema.json") + ": does not exist, but the route "
                    + route.getRouteId() + " receives callbacks of " + provider);
        }
    }

    /**
     * Checks the template.
     *
     * @throws StartException if a step before the source check does more than remove headers and name the provider, if
     *     there is no source check, if the token that a provider's URL has would be stored, if the last step is not one
     *     that answers 200 only to a callback that is recorded, or that all replicas of a topic have just acknowledged, or
     *     if a callback can end the route before that step
     */
    public void checkTemplate(RouteTemplateDefinition template) {
        RouteDefinition route = template.getRoute();
        if (!checksSourceFirst(route)) {
            throw new StartException(where(template.getResource()) + "opens an HTTP path, so its first step must be "
                    + SOURCE_CHECK + "; only removeHeaders and setVariable with a constant may be before it");
        }
        boolean readsBody = route.getOutputs().stream().anyMatch(step -> isCall(step, READ_BODY));
        Optional<String> withToken = settings.providerNames().stream()
                .filter(provider -> !settings.providers().get(provider).tokens().isEmpty())
                .findFirst();
        if (!readsBody && withToken.isPresent()) {
            throw new StartException(where(template.getResource()) + "has no step " + READ_BODY
                    + ", so it would store callboard." + withToken.get() + ".token where the provider repeats it");
        }
        if (!ANSWER_ERRORS.equals(route.getRouteConfigurationId()) || !answersOnlyWhatIsKept(route.getOutputs())) {
            throw new StartException(where(template.getResource()) + "must end with " + ANSWER_RECORDED
                    + " and have routeConfigurationId " + ANSWER_ERRORS
                    + ", or it could answer 200 to a callback that is not recorded (" + ANSWER_ACCEPTED
                    + " is possible only right after a step to kafka: with requestRequiredAcks=all)");
        }
        if (stops(route)) {
            throw new StartException(where(template.getResource()) + "must have stop only in the filter " + PROBE
                    + ", or it could answer a callback that is not recorded");
        }
    }

    private static boolean answersOnlyWhatIsKept(List<ProcessorDefinition<?>> steps) {
        int last = steps.size() - 1;
        return isCall(steps.get(last), ANSWER_RECORDED)
                || (isCall(steps.get(last), ANSWER_ACCEPTED) && last > 0 && isAcknowledgedByAll(steps.get(last - 1)));
    }

    private static boolean isAcknowledgedByAll(ProcessorDefinition<?> step) {
        return step instanceof ToDefinition to
                && step.getDisabled() == null
                && ACKNOWLEDGED_BY_ALL.matcher(to.getUri()).matches()
                && !OVERRIDDEN_ACKS.matcher(to.getUri()).matches();
    }

    /** Whether one of the steps inside another ends the route, but not for a probe. */
    private static boolean stops(ProcessorDefinition<?> parent) {
        boolean ofProbe = parent instanceof FilterDefinition filter
                && PROBE.equals(filter.getExpression().getExpression());
        return parent.getOutputs().stream()
                .anyMatch(step -> step instanceof StopDefinition ? !ofProbe : !step.isAbstract() && stops(step));
    }

    private static boolean checksSourceFirst(RouteDefinition route) {
        for (ProcessorDefinition<?> step : route.getOutputs()) {
            if (isCall(step, SOURCE_CHECK)) {
                return true;
            }
            // What a route configuration adds is abstract: it runs when something fails.
            boolean harmless = step.isAbstract()
                    || step instanceof RemoveHeadersDefinition
                    || (step instanceof SetVariableDefinition variable
                            && variable.getExpression() instanceof ConstantExpression);
            if (!harmless) {
                return false;
            }
        }
        return false;
    }

    private static boolean isCall(ProcessorDefinition<?> step, String uri) {
        return step instanceof ToDefinition to && to.getUri().equals(uri) && step.getDisabled() == null;
    }

    /** The provider whose callbacks a route receives; empty if it is not made from {@value #TEMPLATE}. */
    public Optional<String> providerOf(RouteDefinition route) {
        return Optional.ofNullable(made.get(route))
                .filter(template -> TEMPLATE.equals(template.getId()))
                .map(template -> String.valueOf(route.getTemplateParameters().get(PROVIDER)));
    }

    /**
     * Checks that each provider can call and has a router.
     *
     * @throws StartException if a provider has no route from the template, or no route of its name
     */
    public void checkProviders() {
        for (String provider : settings.providerNames()) {
            String file = file(provider + ".camel.yaml") + ": ";
            boolean receives = model().getRouteDefinitions().stream()
                    .anyMatch(
                            route -> providerOf(route).filter(provider::equals).isPresent());
            if (!receives) {
                throw new StartException(file + "has no templatedRoute of " + TEMPLATE + " with " + PROVIDER + "="
                        + provider + ", so callbacks of " + provider + " would be answered 404");
            }
            Route router = camel.getRoute(provider);
            if (router == null || !router.getEndpoint().getEndpointUri().equals("direct://" + provider)) {
                throw new StartException(file + "has no route " + provider + " from direct:" + provider
                        + ", so no callback of " + provider + " could be recorded");
            }
        }
    }

    /**
     * An error of Camel for the person who edits the route files: the file and the first line of the reason, with line and
     * column if it is one of YAML.
     */
    public String describe(Throwable error) {
        String reason = "";
        for (Throwable e = error; e != null; e = e.getCause()) {
            if (e instanceof StartException) {
                return e.getMessage();
            }
            if (e instanceof MarkedYamlEngineException yaml
                    && yaml.getProblemMark().isPresent()) {
                Mark mark = yaml.getProblemMark().get();
                return fileOf(error) + "line " + (mark.getLine() + 1) + ", column " + (mark.getColumn() + 1) + ": "
                        + yaml.getProblem();
            }
            reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        }
        return fileOf(error) + reason;
    }

    /** The file that an error of Camel is about, with a colon after it; empty if the error names none. */
    private String fileOf(Throwable error) {
        for (Throwable e = error; e != null; e = e.getCause()) {
            if (e instanceof FailedToCreateRouteException route) {
                return where(route.getRouteId());
            }
            if (e instanceof FailedToStartRouteException route) {
                return where(route.getRouteId());
            }
            Matcher matcher = FILE.matcher(String.valueOf(e.getMessage()));
            if (matcher.find()) {
                return file(matcher.group()) + ": ";
            }
        }
        return "";
    }

    private String where(String routeId) {
        RouteDefinition route = model().getRouteDefinition(routeId);
        return route == null ? "the route " + routeId + ": " : where(route);
    }

    /** The file of a route with a colon after it; of a route that is made from a template, the template's file. */
    public String where(RouteDefinition route) {
        return where(resource(route));
    }

    /** Whether a route, or the template that it is made from, is in a file of the user. */
    public boolean isUsers(RouteDefinition route) {
        Resource resource = resource(route);
        if (resource == null || !resource.getLocation().startsWith("file:")) {
            return false;
        }
        Path parent = Path.of(resource.getLocation().substring("file:".length()))
                .toAbsolutePath()
                .getParent();
        try {
            return Files.isSameFile(parent, settings.routes().folder());
        } catch (IOException e) {
            return false;
        }
    }

    /** Camel knows none for a route that is made from a template. */
    private Resource resource(RouteDefinition route) {
        RouteTemplateDefinition template = made.get(route);
        return template == null ? route.getResource() : template.getResource();
    }

    private static String where(Resource resource) {
        return resource == null ? "" : resource.getLocation().replaceFirst("^file:", "") + ": ";
    }

    /** A file's path in the user's folder if it may be there, else its name. */
    private String file(String name) {
        Path path = settings.routes().folder().resolve(name);
        boolean inJar = !Files.exists(path) && RouteGuard.class.getResource("/camel/" + name) != null;
        return inJar ? "classpath:camel/" + name : path.toString();
    }

    private Model model() {
        return camel.getCamelContextExtension().getContextPlugin(Model.class);
    }
}
