// SPDX-License-Identifier: Apache-2.0
/** This node's side of the cluster's Maglev tables. */
package io.sluice.actors.maglev;
