// SPDX-License-Identifier: Apache-2.0
/**
 * What all nodes must agree on, and what each runs of it: sharded entities that decide, and the
 * followers of each node.
 */
package io.sluice.cluster.shared;
