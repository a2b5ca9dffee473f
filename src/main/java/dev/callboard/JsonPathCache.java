package dev.callboard;

import com.jayway.jsonpath.JsonPath;
import com.jayway.jsonpath.spi.cache.Cache;
import com.jayway.jsonpath.spi.cache.CacheProvider;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Keeps each compiled JSONPath expression. The library's own cache keeps 400 and locks all threads out at each evaluation to
 * note which was used last. Only routes make expressions, so their number is small. Safe for use by any number of threads.
 */
final class JsonPathCache implements Cache {
    private static final AtomicBoolean INSTALLED = new AtomicBoolean();

    private final Map<String, JsonPath> paths = new ConcurrentHashMap<>();

    private JsonPathCache() {}

    /** Makes one the cache of this process, once: the library has one for all, set before it evaluates anything. */
    static void install() {
        if (INSTALLED.compareAndSet(false, true)) {
            CacheProvider.setCache(new JsonPathCache());
        }
    }

    @Override
    public JsonPath get(String expression) {
        return paths.get(expression);
    }

    @Override
    public void put(String expression, JsonPath path) {
        paths.put(expression, path);
    }
}
