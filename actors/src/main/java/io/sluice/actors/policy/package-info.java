// SPDX-License-Identifier: Apache-2.0
/** What this node's endpoints enforce: from the resources to values that programs are made of. */
package io.sluice.actors.policy;
