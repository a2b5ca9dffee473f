package dev.callboard;

import com.jayway.jsonpath.JsonPath;
import com.jayway.jsonpath.JsonPathException;
import com.jayway.jsonpath.spi.cache.Cache;
import com.jayway.jsonpath.spi.cache.CacheProvider;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the first compiled JSONPath expressions. The library's own cache locks all threads out at each evaluation, to note
 * which was used last. A route has few expressions, unless it makes one of each callback with Simple: those beyond the limit
 * are compiled each time. Safe for use by any number of threads.
 */
final class JsonPathCache implements Cache {
    private static final int MAX_PATHS = 1000;

    private static final AtomicBoolean INSTALLED = new AtomicBoolean();

    private final Map<String, JsonPath> paths = new ConcurrentHashMap<>();

    private static final Logger LOG = LoggerFactory.getLogger(JsonPathCache.class);

    private JsonPathCache() {}

    /** Makes one the cache of this process, once: the library has one for all, set before it evaluates anything. */
    static void install() {
        if (INSTALLED.compareAndSet(false, true)) {
            try {
                CacheProvider.setCache(new JsonPathCache());
            } catch (JsonPathException e) {
                LOG.warn("the cache of JSONPath stays, since it was used before: routes take longer");
            }
        }
    }

    @Override
    public JsonPath get(String expression) {
        return paths.get(expression);
    }

    @Override
    public void put(String expression, JsonPath path) {
        if (paths.size() < MAX_PATHS) {
            paths.put(expression, path);
        }
    }
}
