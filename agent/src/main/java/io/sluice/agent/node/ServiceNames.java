// SPDX-License-Identifier: Apache-2.0
package io.sluice.agent.node;

import io.sluice.actors.services.ServiceName;
import io.sluice.agent.dump.Names;
import java.util.HashMap;
import java.util.Map;

/** Names of services from the promises of their IDs. */
final class ServiceNames {
  private ServiceNames() {}

  /**
   * @param ids by the text of the service port's name
   */
  static Names of(Map<String, Integer> ids) {
    Map<Integer, String> names = new HashMap<>();
    ids.forEach(
        (text, id) -> {
          ServiceName name = ServiceName.parse(text);
          names.put(id, name.namespace() + "/" + name.name() + ":" + name.port());
        });
    return id -> names.getOrDefault(id, Names.UNKNOWN.service(id));
  }
}
