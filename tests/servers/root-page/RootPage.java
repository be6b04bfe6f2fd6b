package flytail;

import java.util.List;
import java.util.function.Supplier;
import org.apache.lucene.util.Version;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.rest.RestChannel;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/** Answers `GET /` and `HEAD /` with who the server is, as a complete Elasticsearch does. */
final class RootPage implements RestHandler {
    private final Supplier<ClusterService> cluster;

    RootPage(Supplier<ClusterService> cluster) {
        this.cluster = cluster;
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
    }

    @Override
    public void handleRequest(RestRequest request, RestChannel channel, NodeClient client) throws Exception {
        ClusterService here = cluster.get();
        XContentBuilder page = channel.newBuilder();
        page.startObject();
        page.field("name", here.getNodeName());
        page.field("cluster_name", here.getClusterName().value());
        page.field("cluster_uuid", here.state().metadata().clusterUUID());
        page.startObject("version");
        version(page, Build.current());
        page.endObject();
        page.field("tagline", "You Know, for Search");
        page.endObject();
        channel.sendResponse(new RestResponse(RestStatus.OK, page));
    }

    private static void version(XContentBuilder page, Build build) throws Exception {
        page.field("number", build.qualifiedVersion());
        page.field("build_flavor", build.flavor());
        page.field("build_type", build.type().displayName());
        page.field("build_hash", build.hash());
        page.field("build_date", build.date());
        page.field("build_snapshot", build.isSnapshot());
        page.field("lucene_version", Version.LATEST.toString());
        page.field("minimum_wire_compatibility_version", build.minWireCompatVersion());
        page.field("minimum_index_compatibility_version", build.minIndexCompatVersion());
    }
}
